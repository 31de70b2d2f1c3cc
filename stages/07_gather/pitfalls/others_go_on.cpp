// gather() throws the first exception at once, and cancels no other child. A
// caller that catches it may believe that all work has ended, but the other
// children go on unseen.
//
// Cure: keep the tasks, cancel those that are left, and wait for their end.
//
// Prints:
//   gather: the card was refused, nothing is booked
//   a seat is booked
//   cancelled: the card was refused, nothing is booked
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> pay() {
  co_await sleep(1s);
  throw std::runtime_error("the card was refused");
}

static Coroutine<> book() {
  co_await sleep(2s);
  std::printf("a seat is booked\n");
}

static Coroutine<> only_gather() {
  try {
    co_await gather(pay(), book());
  } catch (const std::exception& error) {
    std::printf("gather: %s, nothing is booked\n", error.what());
  }
  co_await sleep(5s);
}

static Coroutine<> cancels_the_rest() {
  std::vector<Task<>> tasks;
  tasks.push_back(create_task(pay()));
  tasks.push_back(create_task(book()));
  try {
    co_await gather(tasks);
  } catch (const std::exception& error) {
    std::printf("cancelled: %s, nothing is booked\n", error.what());
  }
  for (const Task<>& task : tasks) {
    task.cancel();
  }
  co_await wait(tasks);
  co_await sleep(5s);
}

static void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

int main() {
  run_virtual(only_gather());
  run_virtual(cancels_the_rest());
}
