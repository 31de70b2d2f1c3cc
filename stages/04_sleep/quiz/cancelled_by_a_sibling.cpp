// Two timers are due at the same time. The first cancels the second; a third
// one cancels itself. Who is called, and which of them say that they were
// cancelled?
//
// Explanation:
// Both are due and both are in the ready queue when the first one runs. A
// timer that is cancelled there is not called any more: cancel() takes the
// callback away, not the place in the queue. Whoever cancels itself is being
// called already, and simply goes on. Both say afterwards that they were
// cancelled: cancelled() tells that somebody asked, in time or not.
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
