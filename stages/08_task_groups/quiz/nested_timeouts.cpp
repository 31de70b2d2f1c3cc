// The inner timeout allows 3 seconds, the outer one 1 second. Which catch block
// catches a TimeoutError?
//
// Explanation:
// After one second the outer timeout cancels the task. On its way out, the
// CancelledError passes the inner timeout, whose time is not over: the
// cancellation is not its own, so it lets the exception pass. The outer timeout
// knows the cancellation as its own and turns it into a TimeoutError. So the
// inner catch block, which is for TimeoutError, catches nothing.
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
