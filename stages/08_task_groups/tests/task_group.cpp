#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
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

TEST_CASE("task_group: cancelled, all children are, the oldest first") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "a", 10s));
      group.create_task(work(&log, "b", 10s));
      group.create_task(work(&log, "c", 10s));
      co_return;
    };
    co_await async_with(group, body());
  };
  const auto task = create_task(main(), loop);
  loop.call_later(1s, [&] { task.cancel(); });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"a cancelled", "b cancelled", "c cancelled"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("task_group: cancelled in the round in which its last child ends") {
  Loop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& message,
                                 std::exception_ptr) {
    log.push_back(message);
  });
  const Future<> future(loop);
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(future);
      co_return;
    };
    co_await async_with(group, body());
  };
  const auto task = create_task(main(), loop);
  loop.call_later(1s, [&] {
    // The child ends first; the group hears of both in the round after that.
    future.set_result();
    loop.call_soon([&] { task.cancel(); });
  });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{});
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

TEST_CASE("task_group: destroyed in its body, it cancels its children") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "child", 1s)).add_done_callback([&] {
        log.push_back("child is over");
      });
      co_await sleep(10s);
    };
    {
      Coroutine<> coroutine = async_with(group, body());
      coroutine.next();
    }
    log.push_back("destroyed");
    co_return;
  };
  loop.run_until_complete(main());
  loop.run_until_idle();
  CHECK(log == Log{"destroyed", "child is over"});
  CHECK(loop.time() == 0s);
}

TEST_CASE("task_group: closed in its body, it awaits nothing any more") {
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
    coroutine.close();
    log.push_back("closed");
    co_return;
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"closed"});
}

TEST_CASE("task_group: destroyed when the end of a child is about to be told") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    const Future<> until;
    const auto child = [](Future<> future) -> Coroutine<> { co_await future; };
    const auto scope = [&]() -> Coroutine<> {
      TaskGroup group;
      const auto body = [&]() -> Coroutine<> {
        group.create_task(child(until));
        co_await sleep(10s);
      };
      co_await async_with(group, body());
    };
    auto coroutine = std::make_unique<Coroutine<>>(scope());
    coroutine->next();
    co_await sleep(1s);
    // Called after the step in which the child ends, before its callbacks are.
    until.add_done_callback([&] { coroutine.reset(); });
    until.set_result();
    co_await sleep(1s);
    log.push_back("still here");
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"still here"});
}

TEST_CASE("task_group: a child that fails after its parent is reported") {
  Loop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    log.push_back(what.substr(0, what.find(' ', 5)));
    log.push_back(what.substr(what.rfind("> is already")));
  });
  TaskGroup group;
  const auto child = [&]() -> Coroutine<> {
    co_await sleep(2s);
    throw std::runtime_error("child");
  };
  const auto sibling = [&]() -> Coroutine<> {
    co_await sleep(3s);
    log.push_back("the others go on");
  };
  const auto parent = [&]() -> Coroutine<> {
    co_await group.aenter();
    group.create_task(child());
    group.create_task(sibling());
  };
  loop.run_until_complete(parent());
  loop.run_until_idle();
  CHECK(log ==
        Log{"Task <Task", "> is already completed", "the others go on"});
}

Coroutine<> holds(TaskGroup* group, Coroutine<> body) {
  co_await async_with(*group, std::move(body));
}

TEST_CASE("task_group: a task from between two runs is of its parent's loop") {
  Loop loop;
  Log log;
  TaskGroup group;
  const auto parent =
      create_task(holds(&group, as_coroutine(sleep(2s))), loop);
  loop.call_later(1s, [&] { loop.stop(); });
  loop.run_forever();
  const Task<int> child = group.create_task(work(&log, "a", 3s));
  loop.run_until_complete(parent);
  CHECK(child.done());
  CHECK(log == Log{"a done"});
}

}  // namespace test_task_group
