// Two tasks, each awaits a coroutine three times. Neither ever waits for a
// descriptor. Do they take turns?
//
// Explanation:
// co_await on a coroutine does not go through the loop. It runs that coroutine
// at once, as a function call would, and pauses only if a coroutine further
// inside waits for something. None does, so the first task runs to its end
// before the second one begins. A co_await is a place where others *may* run.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

static Coroutine<int> twice(int number) { co_return 2 * number; }

static Coroutine<> count(const char* name) {
  for (int number = 1; number <= 3; ++number) {
    const int result = co_await twice(number);
    std::printf("%s %d\n", name, result);
  }
}

int main() {
  EventLoop loop;
  create_task(count("a"), loop);
  create_task(count("b"), loop);
  loop.run_until_idle();
}
