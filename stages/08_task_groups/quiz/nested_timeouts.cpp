// The inner timeout allows 3 seconds, the outer one 1 second. Which of the two
// TimeoutErrors is caught where?
//
// Explanation:
// After one second the outer timeout cancels the task. On its way out the
// CancelledError passes the inner one, whose time is not over: that
// cancellation is not its own, so it lets it pass. The outer one knows it as
// its own and turns it into a TimeoutError. So the inner catch block, which is
// for TimeoutError, sees nothing.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> work() { co_await sleep(1h); }

static Coroutine<> inner() {
  try {
    co_await async_with(timeout(3s), work());
  } catch (const TimeoutError&) {
    std::printf("inner\n");
  }
  std::printf("after inner\n");
}

static Coroutine<> parent() {
  try {
    co_await async_with(timeout(1s), inner());
  } catch (const TimeoutError&) {
    std::printf("outer\n");
  }
  std::printf("%.0f s\n", get_running_loop().time().count());
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(parent());
}
