#include <optional>
#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_countdown {

using namespace asyncio;
using Values = std::vector<int>;

Values all(Generator<int, int> numbers) {
  Values values;
  while (const std::optional<int> value = numbers.next()) {
    values.push_back(*value);
  }
  return values;
}

TEST_CASE("countdown: by one if nothing is sent") {
  CHECK(all(countdown(3)) == Values{3, 2, 1});
  CHECK(all(countdown(0)) == Values{});
  CHECK(all(countdown(-4)) == Values{});
}

TEST_CASE("countdown: by what is sent") {
  auto down = countdown(10);
  CHECK(down.next() == 10);
  CHECK(down.send(3) == 7);
  CHECK(down.next() == 6);
  CHECK(down.send(1) == 5);
  CHECK(down.send(-2) == 7);
  CHECK(down.send(0) == 7);
}

TEST_CASE("countdown: ends at zero and below") {
  auto exactly = countdown(4);
  exactly.next();
  CHECK_FALSE(exactly.send(4));
  CHECK(exactly.done());
  auto below = countdown(4);
  below.next();
  CHECK_FALSE(below.send(5));
  CHECK(below.done());
}

}  // namespace test_countdown
