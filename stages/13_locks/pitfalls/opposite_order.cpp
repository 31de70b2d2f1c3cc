// Two tasks need the same two locks, and take them in opposite order. Each has
// one lock and waits for the other, for ever. This needs no bad luck: with an
// await between the two locks it happens every time.
//
// Cure: all tasks take the locks in the same order.
//
// Prints:
//   opposite: stuck
//   one order: done
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> takes_both(Lock* first, Lock* second) {
  const auto one = co_await first->scoped();
  co_await sleep(1s);
  const auto other = co_await second->scoped();
  co_await sleep(1s);
}

static Coroutine<> both_tasks(const char* title, bool opposite) {
  Lock from;
  Lock to;
  const auto one = create_task(takes_both(&from, &to));
  const auto other = create_task(
      opposite ? takes_both(&to, &from) : takes_both(&from, &to));
  try {
    co_await wait_for(gather(one, other), 1h);
    std::printf("%s: done\n", title);
  } catch (const TimeoutError&) {
    std::printf("%s: stuck\n", title);
  }
}

static Coroutine<> both() {
  co_await both_tasks("opposite", true);
  co_await both_tasks("one order", false);
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
