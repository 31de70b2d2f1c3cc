// A thread works something out and sets a future of the loop itself. The future
// asks its loop to wake the coroutine, by call_soon(), from the wrong thread:
// the loop sleeps on until something else wakes it. And it is a data race.
//
// Cure: let the thread set a concurrent::Future, which is made for that, and
// await wrap_future(). run_in_executor() and to_thread() do both.
//
// Prints:
//   set by the thread: seen after 1.0 s
//   a concurrent::Future: seen after 0.1 s
#include <cmath>
#include <cstdio>
#include <thread>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

template <class AFuture>
static std::thread set_later(AFuture future) {
  return std::thread([future] {
    std::this_thread::sleep_for(100ms);
    future.set_result(42);
  });
}

static void see(const char* what, EventLoop& loop, const Future<int>& future) {
  const Seconds start = loop.time();
  const TimerHandle something_else = loop.call_later(1s, [] {});
  loop.run_until_complete(future);
  const Seconds passed = loop.time() - start;
  std::printf("%s: seen after %.1f s\n", what,
              std::floor(passed.count() * 10) / 10);
}

static void set_by_the_thread() {
  EventLoop loop;
  const Future<int> future(loop);
  std::thread thread = set_later(future);
  see("set by the thread", loop, future);
  thread.join();
}

static void set_for_the_thread() {
  EventLoop loop;
  const concurrent::Future<int> source;
  std::thread thread = set_later(source);
  see("a concurrent::Future", loop, wrap_future(source, loop));
  thread.join();
}

int main() {
  set_by_the_thread();
  set_for_the_thread();
}
