// A task holds a lock over an await that never ends, here for an event that is
// never set. It waits, and so do all tasks that want the lock. None of them
// does anything wrong by itself, and the loop has nothing to report.
//
// Cure: await first, and then take the lock, for as short a time as possible.
// If it must be held over an await, put a time limit inside.
//
// Prints:
//   held over the wait: b has not had the lock after 1 s
//   taken after it: b had the lock after 0 s
//   with a limit: b had the lock after 5 s
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> holds_over(Lock* lock, Event* answer) {
  const auto guard = co_await lock->scoped();
  co_await answer->wait();
}

static Coroutine<> takes_after(Lock* lock, Event* answer) {
  co_await answer->wait();
  const auto guard = co_await lock->scoped();
}

static Coroutine<> holds_for_a_while(Lock* lock, Event* answer) {
  const auto guard = co_await lock->scoped();
  co_await async_with(timeout(5s), answer->wait());
}

static Coroutine<> b(
    const char* title,
    Coroutine<> (*a)(Lock*, Event*),
    Seconds patience
) {
  Lock lock;
  Event answer;
  const Task<> task = create_task(a(&lock, &answer));
  co_await sleep(0s);
  const Seconds start = get_running_loop().time();
  try {
    co_await wait_for(lock.acquire(), patience);
    const Seconds passed = get_running_loop().time() - start;
    std::printf("%s: b had the lock after %.0f s\n", title, passed.count());
  } catch (const TimeoutError&) {
    std::printf("%s: b has not had the lock after %.0f s\n", title,
                patience.count());
  }
  task.cancel();
  co_await wait(task);
}

static Coroutine<> all() {
  co_await b("held over the wait", holds_over, 1s);
  co_await b("taken after it", takes_after, 1s);
  co_await b("with a limit", holds_for_a_while, 1h);
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.get_loop().set_exception_handler([](const std::string&, auto) {});
  runner.run(all());
}
