// A task is cancelled before it had a chance to begin. Does its body run? Does
// its catch block see the CancelledError?
//
// Explanation:
// The task begins in the next round, and finds the note that it is cancelled.
// The exception is thrown in where the coroutine is paused. That is its opening
// brace: before the first line, outside of every try block. So the body never
// runs. Its catch block cleans up nothing, and nothing was begun.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> worker() {
  std::printf("worker begins\n");
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    std::printf("worker cleans up\n");
    throw;
  }
}

static Coroutine<> parent() {
  const Task<> task = create_task(worker());
  task.cancel();
  try {
    co_await task;
    std::printf("finished\n");
  } catch (const CancelledError&) {
    std::printf("cancelled\n");
  }
}

int main() { run(parent()); }
