#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_count {

using namespace asyncio;
using Values = std::vector<int>;

TEST_CASE("count: by one, from anywhere") {
  auto numbers = count(5);
  CHECK(numbers.next() == 5);
  CHECK(numbers.next() == 6);
  CHECK(numbers.next() == 7);
}

TEST_CASE("count: by any step, also down or not at all") {
  auto down = count(1, -2);
  CHECK(down.next() == 1);
  CHECK(down.next() == -1);
  auto still = count(3, 0);
  CHECK(still.next() == 3);
  CHECK(still.next() == 3);
}

TEST_CASE("count: does not end") {
  auto numbers = count(0);
  for (int i = 0; i < 100000; ++i) {
    REQUIRE(numbers.next() == i);
  }
  CHECK_FALSE(numbers.done());
}

TEST_CASE("count: two do not know of each other") {
  auto one = count(0);
  auto other = count(0);
  one.next();
  one.next();
  CHECK(other.next() == 0);
  CHECK(one.next() == 2);
}

}  // namespace test_count
