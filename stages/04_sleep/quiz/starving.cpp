// One task wants to print a line every 10 ms. The other one computes for 30 ms
// in each step, and is polite: it awaits sleep(0s) after each. In which order
// do the lines come?
//
// Explanation:
// The first tick is due in the middle of step 1, and a callback cannot be
// interrupted. After the step the computation has queued itself already:
// sleep(0s) goes to the end of the ready queue at once, and the timer comes
// behind it in the next round. So step 2 runs before tick 1. The second tick is
// late in the same way. A loop is as punctual as its longest callback.
#include <chrono>
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

static void compute(std::chrono::milliseconds time) {
  const auto end = Clock::now() + time;
  while (Clock::now() < end) {
  }
}

static Coroutine<> steps() {
  for (int step = 1; step <= 3; ++step) {
    compute(30ms);
    std::printf("step %d\n", step);
    co_await sleep(0s);
  }
}

static Coroutine<> ticks() {
  for (int tick = 1; tick <= 2; ++tick) {
    co_await sleep(10ms);
    std::printf("tick %d\n", tick);
  }
}

int main() {
  EventLoop loop;
  create_task(ticks(), loop);
  create_task(steps(), loop);
  loop.run_until_idle();
}
