#include <stdexcept>
#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_patient {

using namespace asyncio;
using Values = std::vector<int>;

TEST_CASE("patient: counts") {
  bool closed = false;
  auto numbers = patient(&closed);
  CHECK(numbers.next() == 0);
  CHECK(numbers.next() == 1);
  CHECK(numbers.next() == 2);
}

TEST_CASE("patient: begins again") {
  bool closed = false;
  auto numbers = patient(&closed);
  numbers.next();
  numbers.next();
  CHECK(numbers.throw_(Restart()) == 0);
  CHECK(numbers.next() == 1);
  CHECK(numbers.throw_(Restart()) == 0);
  CHECK(numbers.throw_(Restart()) == 0);
  CHECK(numbers.next() == 1);
  CHECK_FALSE(closed);
}

TEST_CASE("patient: anything else ends it") {
  bool closed = false;
  auto numbers = patient(&closed);
  numbers.next();
  CHECK_THROWS_AS(numbers.throw_(std::runtime_error("no")),
                  std::runtime_error);
  CHECK(numbers.done());
  CHECK_FALSE(closed);
}

TEST_CASE("patient: is told when it is closed") {
  bool closed = false;
  auto numbers = patient(&closed);
  numbers.next();
  numbers.close();
  CHECK(closed);
  CHECK(numbers.done());
}

TEST_CASE("patient: and when it is dropped") {
  bool closed = false;
  {
    auto numbers = patient(&closed);
    numbers.next();
    CHECK_FALSE(closed);
  }
  CHECK(closed);
}

}  // namespace test_patient
