// The loop's own thread asks for three calls: with call_soon, with
// call_soon_threadsafe, and with call_soon again. In which order are they made?
//
// Explanation:
// In the order in which they were asked for. In CPython both functions append
// to the same queue. Here call_soon_threadsafe appends to the mailbox's list,
// which other threads may touch, so call_soon first moves that list to the end
// of the ready queue, and then adds its own call.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

int main() {
  EventLoop loop;
  loop.call_soon([] { std::printf("a "); });
  loop.call_soon_threadsafe([] { std::printf("b "); });
  loop.call_soon([] { std::printf("c\n"); });
  loop.run_until_idle();
}
