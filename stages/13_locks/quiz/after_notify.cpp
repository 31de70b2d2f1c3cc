// One task waits for a condition. After one second another task notifies it,
// and then keeps the lock for two seconds more. After two seconds the first
// task is cancelled. When does it catch the CancelledError?
//
// Explanation:
// After three seconds. wait() promises that its caller has the lock again,
// however it ends, since the caller's guard is going to release it. So the
// cancelled task first stands in line for the lock, and throws only when it has
// it.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> waits(Condition* condition) {
  const auto guard = co_await condition->scoped();
  try {
    co_await condition->wait();
  } catch (const CancelledError&) {
    std::printf("cancelled after %.0f s\n",
                get_running_loop().time().count());
  }
}

static Coroutine<> notifies() {
  Condition condition;
  const auto task = create_task(waits(&condition));
  co_await sleep(1s);
  {
    const auto guard = co_await condition.scoped();
    condition.notify();
    co_await sleep(1s);
    task.cancel();
    co_await sleep(1s);
  }
  std::printf("released after %.0f s\n", get_running_loop().time().count());
  co_await task;
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(notifies());
}
