#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_nested_scopes {

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

Coroutine<> start_child(
    TaskGroup* group,
    Coroutine<> child,
    Coroutine<int> rest
) {
  group->create_task(std::move(child));
  co_await rest;
}

/// A group with one child, and a body that goes on for a while.
Coroutine<> group_of(Coroutine<> child, Coroutine<int> rest) {
  TaskGroup group;
  Coroutine<> body = start_child(&group, std::move(child), std::move(rest));
  co_await async_with(group, std::move(body));
}

TEST_CASE("nested_scopes: cancelled in its body, it cancels its children") {
  Loop loop;
  Log log;
  const auto task = create_task(
      group_of(tidy(&log, "child"), work(&log, "body", 10s)), loop);
  loop.call_later(1s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"body cancelled", "child is clean"});
  CHECK(task.cancelled());
  CHECK(loop.time() == 3s);
}

TEST_CASE("nested_scopes: cancelled after the body's end, even twice") {
  Loop loop;
  Log log;
  const auto task = create_task(
      group_of(tidy(&log, "child"), work(&log, "body", 0s)), loop);
  loop.call_later(1s, [task] { task.cancel(); });
  loop.call_later(2s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"body done", "child is clean"});
  CHECK(task.cancelled());
  CHECK(loop.time() == 3s);
}

TEST_CASE("nested_scopes: an error weighs more than a cancellation") {
  Loop loop;
  Log log;
  const auto task = create_task(
      log_errors(&log, group_of(clumsy("child"), work(&log, "body", 10s))),
      loop);
  loop.call_later(1s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"body cancelled", "[child]"});
  CHECK(!task.cancelled());
  CHECK(task.cancelling() == 1);
}

TEST_CASE("nested_scopes: an error of the inner group is in the outer's") {
  Loop loop;
  Log log;
  auto inner = group_of(fail("inner", 1s), work(&log, "inner body", 0s));
  auto outer = group_of(std::move(inner), work(&log, "outer body", 10s));
  loop.run_until_complete(log_errors(&log, std::move(outer)));
  CHECK(log == Log{"inner body done", "outer body cancelled", "[[inner]]"});
}

TEST_CASE("nested_scopes: an error of the outer group cancels the inner") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup outer;
    const auto body = [&]() -> Coroutine<> {
      outer.create_task(fail("outer", 1s));
      co_await group_of(tidy(&log, "inner"), work(&log, "body", 10s));
    };
    co_await log_errors(&log, async_with(outer, body()));
    CHECK(current_task().cancelling() == 0);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"body cancelled", "inner is clean", "[outer]"});
}

TEST_CASE("nested_scopes: a group in a timeout") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto group = group_of(tidy(&log, "child"), work(&log, "body", 0s));
    try {
      co_await async_with(timeout(1s), std::move(group));
    } catch (const TimeoutError& error) {
      log.push_back(error.what());
    }
    CHECK(current_task().cancelling() == 0);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"body done", "child is clean", "timed out"});
  CHECK(loop.time() == 3s);
}

/// What fails in time is an error, and no timeout.
TEST_CASE("nested_scopes: a group that fails in a timeout") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto group = group_of(fail("child", 1s), work(&log, "body", 10s));
    co_await log_errors(&log, async_with(timeout(2s), std::move(group)));
    CHECK(current_task().cancelling() == 0);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"body cancelled", "[child]"});
}

TEST_CASE("nested_scopes: a timeout in the body of a group") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work(&log, "child", 3s));
      co_await async_with(timeout(1s), work(&log, "body", 10s));
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"body cancelled", "child cancelled", "[timed out]"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("nested_scopes: a child fails: no timeout of the body's") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      auto limit = timeout(2s);
      try {
        co_await async_with(limit, work(&log, "body", 10s));
      } catch (const CancelledError&) {
        CHECK(!limit.expired());
        throw;
      }
    };
    co_await log_errors(&log, async_with(group, body()));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"body cancelled", "[child]"});
}

}  // namespace test_nested_scopes
