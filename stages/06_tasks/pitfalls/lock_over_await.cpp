// A mutex belongs to a thread, and all coroutines of a loop share one. The
// first task holds it while it waits; the second waits for it by blocking the
// thread, and with that the first task, which alone could unlock it. Everything
// stands still.
//
// Cure: do not hold it over a co_await. In one thread no other coroutine runs
// between two of them, so what a mutex would protect needs none; what must stay
// together over a co_await needs a lock that is waited for with co_await.
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
