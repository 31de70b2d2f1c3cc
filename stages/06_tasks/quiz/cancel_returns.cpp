// A task is cancelled while it sleeps. What does cancel() return, when does the
// task see the exception, and what does cancel() return once it has ended?
//
// Explanation:
// cancel() returns true: the task was not done, and has been asked. cancel()
// does not run the task. The loop throws the CancelledError in at its next
// turn, and that comes when parent() waits, at its co_await.
// A task that has ended cannot be cancelled: false.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> sleeper() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    std::printf("sleeper: CancelledError\n");
    throw;
  }
}

static Coroutine<> parent() {
  const Task<> task = create_task(sleeper());
  co_await sleep(0s);
  std::printf("cancel: %d\n", task.cancel());
  std::printf("done: %d\n", task.done());
  try {
    co_await task;
  } catch (const CancelledError&) {
    std::printf("parent: CancelledError\n");
  }
  std::printf("done: %d, cancel: %d\n", task.done(), task.cancel());
}

int main() { run(parent()); }
