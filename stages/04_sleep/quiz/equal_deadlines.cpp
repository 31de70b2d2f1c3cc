// Four timers are set, and three of them are due at the very same time. In
// which order are they called?
//
// Explanation:
// The earliest deadline comes first, even if it was asked for last. Timers that
// are due together come in the order in which they were asked for: each entry
// of the heap has a running number that settles it. Without that number a heap
// returns equal elements in any order it likes, as CPython's does.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.call_at(2s, [] { std::printf("a\n"); });
  loop.call_at(2s, [] { std::printf("b\n"); });
  loop.call_at(1s, [] { std::printf("c\n"); });
  loop.call_at(2s, [] { std::printf("d\n"); });
  loop.run_until_idle();
}
