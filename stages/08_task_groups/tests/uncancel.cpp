#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_uncancel {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

TEST_CASE("uncancel: each request counts") {
  Loop loop;
  const auto main = []() -> Coroutine<> { co_await sleep(10s); };
  const auto task = create_task(main(), loop);
  CHECK(task.cancelling() == 0);
  for (int count = 1; count <= 3; ++count) {
    CHECK(task.cancel());
    CHECK(task.cancelling() == count);
  }
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(!task.cancel());
  CHECK(task.cancelling() == 3);
}

TEST_CASE("uncancel: takes one back, and stops at none") {
  Loop loop;
  const auto main = []() -> Coroutine<> { co_await sleep(1s); };
  const auto task = create_task(main(), loop);
  CHECK(task.uncancel() == 0);
  task.cancel();
  task.cancel();
  CHECK(task.uncancel() == 1);
  CHECK(task.uncancel() == 0);
  CHECK(task.uncancel() == 0);
  loop.run_until_idle();
  // The error was on its way already.
  CHECK(task.cancelled());
}

TEST_CASE("uncancel: the CancelledError comes all the same") {
  Loop loop;
  const auto main = []() -> Coroutine<> { co_await sleep(1s); };
  const auto task = create_task(main(), loop);
  loop.call_soon([task] {
    task.cancel();
    task.uncancel();
  });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(task.cancelling() == 0);
}

TEST_CASE("uncancel: what is swallowed still counts") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
    }
    CHECK(current_task().cancelling() == 1);
    CHECK(current_task().uncancel() == 0);
    co_await sleep(1s);
  };
  const auto task = create_task(main(), loop);
  loop.call_later(1s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(!task.cancelled());
  CHECK(loop.time() == 2s);
}

TEST_CASE("uncancel: a task and what stands for it count as one") {
  Loop loop;
  const auto main = []() -> Coroutine<> { co_await sleep(1s); };
  const auto task = create_task(main(), loop);
  const AnyTask any = task;
  task.cancel();
  CHECK(any.cancelling() == 1);
  CHECK(any.uncancel() == 0);
  CHECK(task.cancelling() == 0);
  loop.run_until_idle();
}

/// Presses Ctrl-C, while somebody else cancels it that many times.
Coroutine<> interrupted(int others) {
  const AnyTask task = current_task();
  get_running_loop().call_soon([=] {
    for (int i = 0; i < others; ++i) {
      task.cancel();
    }
  });
  std::raise(SIGINT);
  co_await sleep(10s);
}

TEST_CASE("uncancel: Ctrl-C alone is a KeyboardInterrupt") {
  Runner runner;
  CHECK_THROWS_AS(runner.run(interrupted(0)), KeyboardInterrupt);
}

TEST_CASE("uncancel: Ctrl-C and somebody else: a CancelledError") {
  Runner runner;
  CHECK_THROWS_AS(runner.run(interrupted(1)), CancelledError);
}

Coroutine<> refuses_once() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
  }
  co_await sleep(1h);
}

TEST_CASE("uncancel: a task that was asked to end says that it is ending") {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  const auto task = create_task(refuses_once(), loop, "stubborn");
  loop.run_once();
  CHECK(to_string(task).find("<Task pending name='stubborn'") == 0);
  task.cancel();
  loop.run_once();
  CHECK(to_string(task).find("<Task cancelling name='stubborn'") == 0);
  task.uncancel();
  CHECK(to_string(task).find("<Task pending name='stubborn'") == 0);
}

TEST_CASE("uncancel: no task has no count") {
  const AnyTask none;
  CHECK_THROWS_AS(none.cancelling(), std::logic_error);
  CHECK_THROWS_AS(none.uncancel(), std::logic_error);
}

}  // namespace test_uncancel
