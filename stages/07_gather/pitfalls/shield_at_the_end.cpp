// shield() keeps a cancellation out that comes through whoever awaits it, and
// no other. When the main coroutine ends, run() cancels every task that is
// left, a shielded one like any other: half of the file is on the disk.
//
// Cure: keep the task, and await it before you leave.
//
// (In Python it might not even last that long: the loop there holds tasks
// weakly, and behind a shield that was cancelled nobody else may hold this
// one. Here the loop owns it.)
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
