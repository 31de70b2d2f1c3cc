// shield() stops only a cancellation that comes from the task that awaits it.
// When the main coroutine ends, run() cancels all tasks that are left, shielded
// or not: half of the file is on the disk.
//
// Cure: keep the task, and await it before main ends.
//
// (In Python the task might not even last that long: the loop has only weak
// references to tasks, and once the shield is cancelled, no other object may
// refer to this one. Here the loop keeps it.)
//
// Prints:
//   shielded: saving ... interrupted
//   kept and awaited: saving ... saved
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> save() {
  std::printf("saving ... ");
  try {
    co_await sleep(2s);
    std::printf("saved\n");
  } catch (const CancelledError&) {
    std::printf("interrupted\n");
    throw;
  }
}

static Coroutine<> shielded() {
  std::printf("shielded: ");
  try {
    co_await wait_for(shield(save()), 1s);
  } catch (const TimeoutError&) {
  }
}

static Coroutine<> kept() {
  std::printf("kept and awaited: ");
  const Task<> saving = create_task(save());
  try {
    co_await wait_for(shield(saving), 1s);
  } catch (const TimeoutError&) {
  }
  co_await saving;
}

static void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

int main() {
  run_virtual(shielded());
  run_virtual(kept());
}
