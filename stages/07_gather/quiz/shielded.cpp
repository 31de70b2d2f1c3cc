// A coroutine waits for a shielded task, for one second at most. What becomes
// of the task when the time is over?
//
// Explanation:
// wait_for() cancels what it waits for. That is the shield, a future of its own
// around the task: the shield is cancelled, and the task behind it goes on and
// saves after two seconds, because the variable `saving` still keeps the task
// and the loop still runs. Without the shield the CancelledError would have
// been thrown into the task.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> save() {
  try {
    co_await sleep(2s);
    std::printf("saved\n");
  } catch (const CancelledError&) {
    std::printf("interrupted\n");
    throw;
  }
}

static Coroutine<> parent() {
  const Task<> saving = create_task(save());
  try {
    co_await wait_for(shield(saving), 1s);
  } catch (const TimeoutError&) {
    std::printf("too late, done: %d\n", saving.done());
  }
  co_await saving;
  std::printf("done: %d\n", saving.done());
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(parent());
}
