#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_f_g {

using namespace asyncio;
using Values = std::vector<int>;

Values all(Generator<int> numbers) {
  Values values;
  for (const int value : numbers) {
    values.push_back(value);
  }
  return values;
}

TEST_CASE("f_g: g counts up to what it is given") {
  CHECK(all(g(3)) == Values{0, 1, 2});
  CHECK(all(g(0)) == Values{});
}

TEST_CASE("f_g: f delegates to each g") {
  CHECK(all(f(4)) == Values{0, 0, 1, 0, 1, 2, 0, 1, 2, 3});
  CHECK(all(f(1)) == Values{0});
  CHECK(all(f(0)) == Values{});
}

TEST_CASE("f_g: f does not run ahead") {
  auto numbers = f(1000000000);
  CHECK(numbers.next() == 0);
  CHECK(numbers.next() == 0);
  CHECK(numbers.next() == 1);
}

}  // namespace test_f_g
