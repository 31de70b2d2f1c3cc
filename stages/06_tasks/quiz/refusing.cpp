// This task catches CancelledError and returns a result. Its parent cancels it,
// gets true, and awaits it. What does the parent get?
//
// Explanation:
// cancel() is a request. The task was asked, at its co_await, and answered by
// returning 42. So it is finished and not cancelled, and its parent gets 42.
// That cancel() returned true only says that the request was delivered.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<int> stubborn() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    std::printf("no\n");
  }
  co_return 42;
}

static Coroutine<> parent() {
  const Task<int> task = create_task(stubborn());
  co_await sleep(0s);
  std::printf("cancel: %d\n", task.cancel());
  try {
    const int result = co_await task;
    std::printf("result: %d\n", result);
  } catch (const CancelledError&) {
    std::printf("cancelled\n");
  }
  std::printf("cancelled: %d\n", task.cancelled());
}

int main() { run(parent()); }
