// A thread asks the loop for a call with call_soon(). The call is queued, but
// the loop is asleep in its wait and does not look at the queue until something
// else wakes it: here a timer, a second later. It is a data race as well: the
// queue may break when both threads use it at the same moment.
//
// Cure: call_soon_threadsafe(), the only function of a loop for other threads.
// It takes a mutex, and writes a byte that ends the wait.
//
// Prints:
//   call_soon: called after 1.0 s
//   call_soon_threadsafe: called after 0.1 s
#include <cmath>
#include <cstdio>
#include <functional>
#include <thread>
#include <utility>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

using Ask = std::function<void(EventLoop&, EventLoop::Callback)>;

static void run(const char* what, const Ask& ask) {
  EventLoop loop;
  const Seconds start = loop.time();
  const TimerHandle something_else = loop.call_later(1s, [] {});
  std::thread thread([&] {
    std::this_thread::sleep_for(100ms);
    ask(loop, [&loop] { loop.stop(); });
  });
  loop.run_forever();
  const Seconds passed = loop.time() - start;
  std::printf("%s: called after %.1f s\n", what,
              std::floor(passed.count() * 10) / 10);
  thread.join();
}

int main() {
  run("call_soon", [](EventLoop& loop, EventLoop::Callback callback) {
    loop.call_soon(std::move(callback));
  });
  run("call_soon_threadsafe", [](EventLoop& loop,
                                 EventLoop::Callback callback) {
    loop.call_soon_threadsafe(std::move(callback));
  });
}
