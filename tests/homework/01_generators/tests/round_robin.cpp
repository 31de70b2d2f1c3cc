#include <stdexcept>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_round_robin {

using namespace asyncio;
using Values = std::vector<int>;

Values all(Generator<int> numbers) {
  Values values;
  for (const int value : numbers) {
    values.push_back(value);
  }
  return values;
}

Generator<int> these(Values values) {
  for (const int value : values) {
    co_yield value;
  }
}

Generator<int> fails_after(int value) {
  co_yield value;
  throw std::runtime_error("broken");
}

std::vector<Generator<int>> list(Generator<int> one, Generator<int> other) {
  std::vector<Generator<int>> generators;
  generators.push_back(std::move(one));
  generators.push_back(std::move(other));
  return generators;
}

TEST_CASE("round_robin: one of each in turn") {
  CHECK(all(round_robin(list(these({1, 2, 3}), these({10, 20, 30})))) ==
        Values{1, 10, 2, 20, 3, 30});
}

TEST_CASE("round_robin: who has ended is left out") {
  CHECK(all(round_robin(list(these({1}), these({10, 20, 30})))) ==
        Values{1, 10, 20, 30});
  CHECK(all(round_robin(list(these({}), these({10})))) == Values{10});
}

TEST_CASE("round_robin: of none") {
  CHECK(all(round_robin({})) == Values{});
}

TEST_CASE("round_robin: nobody is asked before it is his turn") {
  auto numbers = round_robin(list(these({1}), fails_after(2)));
  CHECK(numbers.next() == 1);
  CHECK(numbers.next() == 2);
}

TEST_CASE("round_robin: an exception comes out") {
  auto numbers = round_robin(list(these({1, 2}), fails_after(10)));
  CHECK(numbers.next() == 1);
  CHECK(numbers.next() == 10);
  CHECK(numbers.next() == 2);
  CHECK_THROWS_AS(numbers.next(), std::runtime_error);
  CHECK(numbers.done());
}

}  // namespace test_round_robin
