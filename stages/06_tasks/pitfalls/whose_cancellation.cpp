// A task cancels a helper and awaits it. The CancelledError that the co_await
// throws means that the helper has ended. But if the task itself is cancelled
// while it waits, the same line throws the same exception, and the task
// swallows its own cancellation. Python has this trap, too.
//
// Cure: await another future, which the helper's done callback sets. A
// CancelledError there is the task's own. (Runner waits in this way.)
//
// Prints:
//   awaits the helper: goes on as if nothing had happened
//   awaits its end: is cancelled
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Takes ten seconds to end.
static Coroutine<> helper() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
  }
  co_await sleep(10s);
}

static Coroutine<> wrong() {
  const Task<> task = create_task(helper());
  co_await sleep(1s);
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
  }
}

static Coroutine<> cured() {
  const Task<> task = create_task(helper());
  co_await sleep(1s);
  task.cancel();
  const Future<> ended;
  task.add_done_callback([ended] {
    if (!ended.done()) {
      ended.set_result();
    }
  });
  co_await ended;
}

static void try_it(const char* what, Coroutine<> coroutine) {
  EventLoop loop;
  loop.use_virtual_clock();
  const Task<> task = create_task(std::move(coroutine), loop);
  loop.call_later(2s, [&] { task.cancel(); });
  loop.run_until_idle();
  std::printf("%s: %s\n", what,
              task.cancelled() ? "is cancelled"
                               : "goes on as if nothing had happened");
}

int main() {
  try_it("awaits the helper", wrong());
  try_it("awaits its end", cured());
}
