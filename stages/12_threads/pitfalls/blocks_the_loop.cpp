// A function that takes half a second is called in a coroutine. It may wait or
// compute: either way the loop's thread is busy, and no other coroutine runs,
// no timer fires, no client is answered. No error says so.
//
// Cure: co_await to_thread(function), whether it waits or computes.
//
// Prints:
//   called in the loop: the clock stood still
//   to_thread: the clock went on
#include <cstdio>
#include <thread>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> tick(int* ticks) {
  while (true) {
    co_await sleep(10ms);
    ++*ticks;
  }
}

static void slow_function() { std::this_thread::sleep_for(500ms); }

static Coroutine<> in_the_loop() {
  slow_function();
  co_return;
}

static Coroutine<> beside_a_clock(const char* what, Coroutine<> calling) {
  int ticks = 0;
  const Task<> clock = create_task(tick(&ticks));
  // Lets it begin.
  co_await sleep(0s);
  co_await calling;
  clock.cancel();
  std::printf("%s: the clock %s\n", what,
              ticks == 0 ? "stood still" : "went on");
}

int main() {
  run(beside_a_clock("called in the loop", in_the_loop()));
  run(beside_a_clock("to_thread", to_thread(slow_function)));
}
