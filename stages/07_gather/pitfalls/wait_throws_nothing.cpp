// wait() returns which tasks are done, not how they ended. A failed task is
// done like any other. If no code asks for its result, its exception is only
// reported when its last owner is gone, far from the place where it could be
// handled.
//
// Cure: call result() on each task that is done (or co_await it).
//
// Stderr: Task exception was never retrieved: no such host
// Prints:
//   only counted: 2 of 2 done
//   asked: no such host
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> send() { co_await sleep(1s); }

static Coroutine<> send_nowhere() {
  co_await sleep(1s);
  throw std::runtime_error("no such host");
}

static std::vector<Task<>> start_both() {
  std::vector<Task<>> tasks;
  tasks.push_back(create_task(send()));
  tasks.push_back(create_task(send_nowhere()));
  return tasks;
}

static Coroutine<> only_counted() {
  const auto sent = co_await wait(start_both());
  std::printf("only counted: %zu of 2 done\n", sent.done.size());
}

static Coroutine<> asked() {
  const auto sent = co_await wait(start_both());
  for (const Task<>& task : sent.done) {
    try {
      co_await task;
    } catch (const std::exception& error) {
      std::printf("asked: %s\n", error.what());
    }
  }
}

static void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

int main() {
  run_virtual(only_counted());
  run_virtual(asked());
}
