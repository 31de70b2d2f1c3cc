// Two children sleep, a third fails after one second, and so does the second
// one while it is cleaning up. What does the group throw, and what happens to
// the line after the sleep in the body?
//
// Explanation:
// The first failure cancels everybody: the siblings, and the body, which is at
// its sleep, so "body ends" is never printed. The group waits until all have
// ended. The error of the second child comes while it is being cancelled, and
// is an error like any other: both are in the group. The child that merely was
// cancelled has done as it was asked, and is not.
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> obedient() { co_await sleep(1h); }

static Coroutine<> clumsy() {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (cancelled) {
    throw std::runtime_error("while cleaning up");
  }
}

static Coroutine<> failing() {
  co_await sleep(1s);
  throw std::runtime_error("first");
}

static Coroutine<> body(TaskGroup* group) {
  group->create_task(obedient());
  group->create_task(clumsy());
  group->create_task(failing());
  co_await sleep(2s);
  std::printf("body ends\n");
}

static Coroutine<> parent() {
  TaskGroup group;
  try {
    co_await async_with(group, body(&group));
  } catch (const ExceptionGroup& errors) {
    for (const auto& each : errors.exceptions()) {
      try {
        std::rethrow_exception(each);
      } catch (const std::exception& error) {
        std::printf("%s\n", error.what());
      }
    }
  }
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(parent());
}
