// A mutex belongs to a thread, and all coroutines of a loop share one thread.
// The first task holds the mutex while it waits. The second blocks the thread
// to wait for the mutex, so the first, which could unlock it, never runs again.
//
// Cure: do not hold a mutex across a co_await. Between two co_awaits no other
// coroutine of the thread runs, so no mutex is needed there. Data that must not
// change during a co_await needs a lock that is itself awaited.
//
// Hangs: 1
// Prints:
//   first: has the lock, waits
//   second: wants the lock
#include <cstdio>
#include <mutex>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static std::mutex mutex;

static void say(const char* text) {
  std::printf("%s\n", text);
  std::fflush(stdout);
}

static Coroutine<> first() {
  const std::lock_guard<std::mutex> lock(mutex);
  say("first: has the lock, waits");
  co_await sleep(100ms);
  say("first: unlocks");
}

static Coroutine<> second() {
  say("second: wants the lock");
  const std::lock_guard<std::mutex> lock(mutex);
  say("second: has the lock");
  co_return;
}

static Coroutine<> both() {
  const Task<> one = create_task(first());
  const Task<> other = create_task(second());
  co_await one;
  co_await other;
}

int main() { run(both()); }
