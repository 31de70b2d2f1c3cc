// A generator yields three numbers and never awaits anything. Another task is
// ready to run. When does it?
//
// Explanation:
// `co_await numbers.anext()` looks like a place where other tasks may run. But
// a coroutine pauses only if what it awaits makes it wait, and this body goes
// from one co_yield to the next without waiting. So all three numbers come in
// one step of the task, and the other task runs after the loop, at the sleep.
// In Python it is the same: `async for` over a generator that never waits
// stops all the others for as long as it runs.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static AsyncGenerator<int> count() {
  for (int i = 1; i <= 3; ++i) {
    co_yield i;
  }
}

static Coroutine<> other() {
  std::printf("other\n");
  co_return;
}

static Coroutine<> parent() {
  const Task<> task = create_task(other());
  auto numbers = count();
  while (const auto number = co_await numbers.anext()) {
    std::printf("%d\n", *number);
  }
  std::printf("end of the loop\n");
  co_await task;
}

int main() { run(parent()); }
