#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_task_group {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<int> work(Log* log, std::string name, Seconds delay) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    log->push_back(name + " cancelled");
    throw;
  }
  log->push_back(name + " done");
  co_return 42;
}

TEST_CASE("task_group: at its end all are done") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    std::vector<Task<int>> tasks;
    const auto body = [&]() -> Coroutine<> {
      tasks.push_back(group.create_task(work(&log, "a", 2s)));
      tasks.push_back(group.create_task(work(&log, "b", 1s)));
      log.push_back("the body ends");
      co_return;
    };
    co_await async_with(group, body());
    log.push_back("the group ends");
    CHECK(tasks[0].result() + tasks[1].result() == 84);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"the body ends", "b done", "a done", "the group ends"});
  CHECK(loop.time() == 2s);
}

TEST_CASE("task_group: the body runs beside the children, and has a result") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<int> {
      const Task<int> child = group.create_task(work(&log, "a", 1s));
      co_await work(&log, "body", 2s);
      group.create_task(work(&log, "b", 1s));
      co_return co_await child + 1;
    };
    const int result = co_await async_with(group, body());
    CHECK(result == 43);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"a done", "body done", "b done"});
  CHECK(loop.time() == 3s);
}

TEST_CASE("task_group: without children it ends with its body") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    co_await async_with(group, work(&log, "body", 1s));
  };
  loop.run_until_complete(main());
  CHECK(loop.time() == 1s);
}

TEST_CASE("task_group: a child has the name that it was given") {
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      const auto child = group.create_task(sleep(1s), "napper");
      CHECK(child.get_name() == "napper");
      co_return;
    };
    co_await async_with(group, body());
  };
  loop.run_until_complete(main());
  CHECK(loop.time() == 1s);
}

TEST_CASE("task_group: a child can start another, after the body's end") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto child = [&]() -> Coroutine<> {
      co_await sleep(1s);
      group.create_task(work(&log, "another", 2s));
    };
    const auto body = [&]() -> Coroutine<> {
      group.create_task(child());
      co_return;
    };
    co_await async_with(group, body());
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"another done"});
  CHECK(loop.time() == 3s);
}

TEST_CASE("task_group: a child that is cancelled is no error") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      const Task<int> child = group.create_task(work(&log, "a", 10s));
      group.create_task(work(&log, "b", 2s));
      co_await sleep(1s);
      child.cancel();
    };
    co_await async_with(group, body());
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"a cancelled", "b done"});
  CHECK(loop.time() == 2s);
}

/// What create_task() says to one more.
std::string refusal(TaskGroup& group) {
  try {
    group.create_task(sleep(1s));
  } catch (const std::logic_error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("task_group: before its body and after its end it takes no tasks") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    TaskGroup group;
    CHECK(refusal(group) == "the TaskGroup has not been entered");
    const auto body = []() -> Coroutine<> { co_return; };
    co_await async_with(group, body());
    CHECK(refusal(group) == "the TaskGroup is finished");
  };
  loop.run_until_complete(main());
  CHECK(loop.time() == 0s);
}

TEST_CASE("task_group: nor while it shuts down") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    TaskGroup group;
    const auto child = [&]() -> Coroutine<> {
      try {
        co_await sleep(10s);
      } catch (const CancelledError&) {
        CHECK(refusal(group) == "the TaskGroup is shutting down");
        throw;
      }
    };
    const auto body = [&]() -> Coroutine<> {
      group.create_task(child());
      co_await sleep(1s);
      throw std::runtime_error("body");
    };
    co_await async_with(group, body());
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), ExceptionGroup);
  CHECK(loop.time() == 1s);
}

TEST_CASE("task_group: can be entered once, and only in a task") {
  Loop loop;
  const auto nothing = []() -> Coroutine<> { co_return; };
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    co_await async_with(group, nothing());
    co_await async_with(group, nothing());
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), std::logic_error);
  TaskGroup group;
  loop.call_soon([&] {
    Coroutine<> coroutine = async_with(group, nothing());
    CHECK_THROWS_AS(coroutine.next(), std::logic_error);
  });
  loop.run_until_idle();
}

TEST_CASE("task_group: destroyed in its body, it hears of no child any more") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "child", 1s));
      co_await sleep(10s);
    };
    Coroutine<> coroutine = async_with(group, body());
    coroutine.next();
    co_return;
  };
  loop.run_until_complete(main());
  loop.run_until_idle();
  CHECK(log == Log{"child done"});
}

}  // namespace test_task_group
