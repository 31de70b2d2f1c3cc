// Two coroutines await the same future; a third fills it and goes on. In which
// order do they print?
//
// Explanation:
// Filling a future schedules the coroutines that wait for it, in the order in
// which they began to wait. They run when the coroutine that filled it pauses
// or ends. That one finds the future done and does not pause at all: its
// co_await is over before the first two are resumed.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

static Coroutine<> waiter(const char* name, Future<int> future) {
  const int number = co_await future;
  std::printf("%s: %d\n", name, number);
}

static Coroutine<> setter(Future<int> future) {
  future.set_result(42);
  std::printf("set\n");
  const int number = co_await future;
  std::printf("setter: %d\n", number);
}

int main() {
  EventLoop loop;
  const Future<int> future(loop);
  create_task(waiter("first", future), loop);
  create_task(waiter("second", future), loop);
  create_task(setter(future), loop);
  loop.run_until_idle();
}
