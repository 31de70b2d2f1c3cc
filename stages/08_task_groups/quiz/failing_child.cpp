// Two children sleep, a third fails after one second, and so does the second
// one while it is cleaning up. What does the group throw, and is the line after
// the sleep in the body printed?
//
// Explanation:
// The first failure makes the group cancel all that is left: the siblings, and
// the body. The body is at its sleep, so "body ends" is never printed. The
// group waits until all of them have ended. The second child's error comes
// while that child is being cancelled, and is an error like any other: both
// errors are in the ExceptionGroup. The child that was merely cancelled has
// done what it was asked to do, and its CancelledError is not.
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
