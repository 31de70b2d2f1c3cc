#include <vector>

#include "common/testing.hpp"
#include "exercises.hpp"

namespace test_take {

using namespace asyncio;
using Values = std::vector<int>;

Generator<int> watched(int* asked, bool* closed) {
  try {
    while (true) {
      ++*asked;
      co_yield *asked;
    }
  } catch (const GeneratorExit&) {
    *closed = true;
    throw;
  }
}

Generator<int> two() {
  co_yield 1;
  co_yield 2;
}

TEST_CASE("take: the first ones") {
  int asked = 0;
  bool closed = false;
  auto some = take(3, watched(&asked, &closed));
  CHECK(some.next() == 1);
  CHECK(some.next() == 2);
  CHECK(some.next() == 3);
  CHECK_FALSE(some.next());
  CHECK(some.done());
}

TEST_CASE("take: asks for no more than it gives") {
  int asked = 0;
  bool closed = false;
  auto some = take(2, watched(&asked, &closed));
  some.next();
  CHECK(asked == 1);
  some.next();
  some.next();
  CHECK(asked == 2);
}

TEST_CASE("take: closes the source when it has had enough") {
  int asked = 0;
  bool closed = false;
  auto some = take(1, watched(&asked, &closed));
  some.next();
  CHECK_FALSE(closed);
  some.next();
  CHECK(closed);
}

TEST_CASE("take: closes the source when it is dropped") {
  int asked = 0;
  bool closed = false;
  {
    auto some = take(5, watched(&asked, &closed));
    some.next();
  }
  CHECK(closed);
}

TEST_CASE("take: ends with a source that is shorter") {
  auto some = take(9, two());
  CHECK(some.next() == 1);
  CHECK(some.next() == 2);
  CHECK_FALSE(some.next());
  CHECK(some.done());
}

TEST_CASE("take: none at all") {
  int asked = 0;
  bool closed = false;
  CHECK_FALSE(take(0, watched(&asked, &closed)).next());
  CHECK(asked == 0);
}

}  // namespace test_take
