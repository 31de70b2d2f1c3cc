// cancel() is a request. The exception is thrown when the loop resumes the
// task, and the task may then take time to clean up. A caller that goes on at
// once takes away what the task still uses.
//
// Cure: cancel the task, await it, and only then take things away.
//
// Prints:
//   at once: the table is taken away
//   at once: puts the plates on ... the floor
//   awaited: puts the plates on ... the table
//   awaited: the table is taken away
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static bool table = true;

static void take_table_away(const char* what) {
  table = false;
  std::printf("%s: the table is taken away\n", what);
}

static Coroutine<> waiter(const char* what) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    std::printf("%s: puts the plates on ... the %s\n", what,
                table ? "table" : "floor");
    throw;
  }
}

static Coroutine<> at_once() {
  const Task<> task = create_task(waiter("at once"));
  co_await sleep(1ms);
  task.cancel();
  take_table_away("at once");
}

static Coroutine<> awaited() {
  const Task<> task = create_task(waiter("awaited"));
  co_await sleep(1ms);
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
  }
  take_table_away("awaited");
}

int main() {
  run(at_once());
  table = true;
  run(awaited());
}
