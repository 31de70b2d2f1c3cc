#include <exception>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_failing_child {

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

Coroutine<> fail(std::string name, Seconds delay) {
  co_await sleep(delay);
  throw std::runtime_error(name);
}

/// Fails when it is cancelled.
Coroutine<> clumsy(std::string name) {
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    throw std::runtime_error(name);
  }
}

/// Cleans up for two seconds when it is cancelled.
Coroutine<> tidy(Log* log, std::string name) {
  std::exception_ptr cancelled;
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  co_await sleep(2s);
  log->push_back(name + " is clean");
  std::rethrow_exception(cancelled);
}

/// "[a, b]", groups in groups.
std::string names(const ExceptionGroup& group) {
  std::string text;
  for (const auto& exception : group.exceptions()) {
    text += text.empty() ? "" : ", ";
    try {
      std::rethrow_exception(exception);
    } catch (const ExceptionGroup& inner) {
      text += names(inner);
    } catch (...) {
      text += describe(std::current_exception());
    }
  }
  return "[" + text + "]";
}

/// Writes down what comes out.
Coroutine<> log_errors(Log* log, Coroutine<> coroutine) {
  try {
    co_await coroutine;
  } catch (const ExceptionGroup& group) {
    log->push_back(names(group));
  }
}

TEST_CASE("failing_child: its siblings and the body are cancelled") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "early", 1s));
      group.create_task(fail("child", 2s));
      group.create_task(work(&log, "late", 3s));
      co_await work(&log, "body", 10s);
    };
    co_await log_errors(&log, async_with(group, body()));
    CHECK(current_task().cancelling() == 0);
    co_await sleep(1s);
  };
  loop.run_until_complete(main());
  CHECK(log.front() == "early done");
  CHECK(log.back() == "[child]");
  const std::set<std::string> cancelled(log.begin() + 1, log.end() - 1);
  CHECK(cancelled == std::set<std::string>{"late cancelled", "body cancelled"});
  CHECK(loop.time() == 3s);
}

TEST_CASE("failing_child: all siblings, in the order of their creation") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "a", 10s));
      group.create_task(work(&log, "b", 10s));
      group.create_task(fail("child", 1s));
      group.create_task(work(&log, "c", 10s));
      group.create_task(work(&log, "d", 10s));
      co_return;
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"a cancelled", "b cancelled", "c cancelled", "d cancelled",
                   "[child]"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("failing_child: after the body's end") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      group.create_task(work(&log, "sibling", 3s));
      co_return;
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"sibling cancelled", "[child]"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("failing_child: two at once are both in the group") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("a", 1s));
      group.create_task(fail("b", 1s));
      co_await sleep(10s);
    };
    co_await async_with(group, body());
  };
  try {
    loop.run_until_complete(main());
  } catch (const ExceptionGroup& group) {
    log = Log{group.what(), names(group)};
  }
  CHECK(log == Log{"unhandled errors in a TaskGroup (2 sub-exceptions)",
                   "[a, b]"});
}

TEST_CASE("failing_child: one that fails in its clean-up comes after it") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      group.create_task(clumsy("sibling"));
      co_await clumsy("body");
    };
    co_await log_errors(&log, async_with(group, body()));
    CHECK(current_task().cancelling() == 0);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"[child, sibling, body]"});
}

TEST_CASE("failing_child: the group waits for the clean-up") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      group.create_task(tidy(&log, "sibling"));
      co_return;
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"sibling is clean", "[child]"});
  CHECK(loop.time() == 3s);
}

TEST_CASE("failing_child: nobody is cancelled twice") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      const auto sibling = group.create_task(tidy(&log, "sibling"));
      try {
        co_await sleep(10s);
      } catch (const CancelledError&) {
        // All are asked at once.
        CHECK(sibling.cancelling() == 1);
        throw;
      }
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"sibling is clean", "[child]"});
  CHECK(loop.time() == 3s);
}

TEST_CASE("failing_child: a body that fails counts as one of them") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "child", 10s));
      co_await fail("body", 1s);
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"child cancelled", "[body]"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("failing_child: a body that fails leaves none of its children") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "a", 10s));
      group.create_task(work(&log, "b", 10s));
      group.create_task(work(&log, "c", 10s));
      co_await fail("body", 1s);
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"a cancelled", "b cancelled", "c cancelled", "[body]"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("failing_child: a body that fails at once: no child begins") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "child", 10s));
      throw std::runtime_error("body");
      co_return;
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"[body]"});
}

TEST_CASE("failing_child: a body that swallows it saves nothing") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      try {
        co_await sleep(10s);
      } catch (const CancelledError&) {
      }
      co_await work(&log, "body", 1s);
    };
    co_await log_errors(&log, async_with(group, body()));
    CHECK(current_task().cancelling() == 0);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"body done", "[child]"});
  CHECK(loop.time() == 2s);
}

Coroutine<> interrupted(Seconds delay) {
  co_await sleep(delay);
  throw KeyboardInterrupt();
}

TEST_CASE("failing_child: Ctrl-C is in no group, be it the child's") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(interrupted(1s));
      co_await clumsy("body");
    };
    co_await async_with(group, body());
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), KeyboardInterrupt);
}

TEST_CASE("failing_child: it ends the run, and in the next one the group") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(interrupted(1s));
      co_await clumsy("body");
    };
    co_await async_with(group, body());
  };
  const auto task = create_task(main(), loop);
  CHECK_THROWS_AS(loop.run_until_idle(), KeyboardInterrupt);
  CHECK(!task.done());
  CHECK_THROWS_AS(loop.run_until_idle(), KeyboardInterrupt);
  REQUIRE(task.done());
  CHECK(is_instance<KeyboardInterrupt>(task.exception()));
}

TEST_CASE("failing_child: or the body's") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(clumsy("child"));
      co_await interrupted(1s);
    };
    co_await async_with(group, body());
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), KeyboardInterrupt);
}

TEST_CASE("failing_child: nobody else reports the exception") {
  Loop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& message,
                                 std::exception_ptr) {
    log.push_back(message);
  });
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      co_return;
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"[child]"});
}

}  // namespace test_failing_child
