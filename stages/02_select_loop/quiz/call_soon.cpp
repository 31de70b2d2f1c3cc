// A callback asks for another callback, and so does main(). The loop is run for
// two rounds. What comes in which round?
//
// Explanation:
// call_soon only queues. A round calls those that were queued when it began,
// first in, first out; what they queue is for the next round. Otherwise a
// callback that asks to be called again would keep the loop from ever looking
// at its descriptors.
#include <cstdio>

#include "event_loop.hpp"

using namespace asyncio;

int main() {
  EventLoop loop;
  loop.call_soon([&] {
    std::printf("a\n");
    loop.call_soon([] { std::printf("c\n"); });
    std::printf("a is over\n");
  });
  loop.call_soon([] { std::printf("b\n"); });
  std::printf("round 1\n");
  loop.run_once();
  std::printf("round 2\n");
  loop.run_once();
}
