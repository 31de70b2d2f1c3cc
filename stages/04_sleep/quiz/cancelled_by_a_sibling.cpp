// Three timers are due at the same time. The first one cancels the second, and
// the third one cancels itself. Which callbacks run, and do the second and the
// third say that they were cancelled?
//
// Explanation:
// All three are due, and all three are in the ready queue when the first one
// runs. The second one is not called any more: cancel() takes the callback
// away, not the place in the queue. The third one is being called already when
// it cancels itself, so its callback simply goes on. Afterwards both say that
// they were cancelled: cancelled() returns whether cancel() was called, in time
// or not.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  TimerHandle second;
  TimerHandle third;
  loop.call_later(1s, [&] {
    std::printf("first\n");
    second.cancel();
  });
  second = loop.call_later(1s, [] { std::printf("second\n"); });
  third = loop.call_later(1s, [&] {
    third.cancel();
    std::printf("third\n");
  });
  loop.run_until_idle();
  std::printf("%d %d\n", second.cancelled(), third.cancelled());
}
