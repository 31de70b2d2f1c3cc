#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_averager {

using namespace asyncio;
using Values = std::vector<int>;

TEST_CASE("averager: the mean of what is sent") {
  auto average = averager();
  average.next();
  average.send(10);
  average.send(20);
  average.send(60);
  CHECK_FALSE(average.done());
  CHECK_FALSE(average.next());
  CHECK(average.result().count == 3);
  CHECK(average.result().value == 30);
}

TEST_CASE("averager: of nothing") {
  auto average = averager();
  average.next();
  CHECK_FALSE(average.next());
  CHECK(average.result().count == 0);
  CHECK(average.result().value == 0);
}

TEST_CASE("averager: a zero is a number, too") {
  auto average = averager();
  average.next();
  average.send(0);
  CHECK(average.send(3));
  average.next();
  CHECK(average.result().count == 2);
  CHECK(average.result().value == 1.5);
}

}  // namespace test_averager
