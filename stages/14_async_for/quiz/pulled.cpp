// Two generators in a row: `twice` takes its numbers from `count`. The loop
// takes two numbers and breaks. What is printed?
//
// Explanation:
// Nothing runs ahead. The call count() makes a frame and runs none of it; the
// loop asks `twice` for a number, and that asks `count` for one. So the lines
// come in pairs, one value at a time, and "count: 3" is never printed: no
// third value was asked for.
#include <cstdio>
#include <utility>

#include "asyncio.hpp"

using namespace asyncio;

static AsyncGenerator<int> count() {
  for (int i = 1; true; ++i) {
    std::printf("count: %d\n", i);
    co_yield i;
  }
}

static AsyncGenerator<int> twice(AsyncGenerator<int> numbers) {
  while (const auto number = co_await numbers.anext()) {
    co_yield 2 * *number;
  }
}

static Coroutine<> parent() {
  auto numbers = twice(count());
  std::printf("made\n");
  while (const auto number = co_await numbers.anext()) {
    std::printf("loop: %d\n", *number);
    if (*number == 4) {
      break;
    }
  }
}

int main() { run(parent()); }
