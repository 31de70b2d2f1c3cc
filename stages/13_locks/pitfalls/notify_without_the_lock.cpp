// notify() is called without the condition's lock, and throws. In one thread
// nothing could come between the change and the call. But another task may hold
// the lock, with the data half changed, and await something just now.
//
// Cure: take the lock, change the data, and notify.
//
// Prints:
//   without: cannot notify on un-acquired lock
//   with: woken, 1 item
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> waits(Condition* condition, int* items) {
  const auto guard = co_await condition->scoped();
  const auto any = [items] { return *items > 0; };
  co_await condition->wait_for(any);
  std::printf("with: woken, %d item\n", *items);
}

static Coroutine<> notifies() {
  Condition condition;
  int items = 0;
  const Task<> task = create_task(waits(&condition, &items));
  co_await sleep(1s);
  try {
    condition.notify();
  } catch (const std::logic_error& error) {
    std::printf("without: %s\n", error.what());
  }
  {
    const auto guard = co_await condition.scoped();
    ++items;
    condition.notify();
  }
  co_await task;
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(notifies());
}
