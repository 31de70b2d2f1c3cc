#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_async_with {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

/// Writes down what it is told.
struct Manager {
  explicit Manager(Log* its_log) : log(its_log) {}

  Coroutine<> aenter() {
    co_await sleep(1s);
    log->push_back("aenter");
  }

  Coroutine<> aexit(std::exception_ptr exception) {
    log->push_back(exception ? "aexit, exception" : "aexit");
    co_await sleep(1s);
  }

  Log* log;
};

Coroutine<int> give(Log* log, int value) {
  log->push_back("body");
  co_await sleep(1s);
  co_return value;
}

Coroutine<> fail(Log* log) {
  log->push_back("body");
  throw std::runtime_error("out of order");
  co_return;
}

TEST_CASE("async_with: aenter, body, aexit, one after the other") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    Manager manager(&log);
    const int result = co_await async_with(manager, give(&log, 42));
    CHECK(result == 42);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"aenter", "body", "aexit"});
  CHECK(loop.time() == 3s);
}

TEST_CASE("async_with: aexit hears of an exception, then everybody else") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    Manager manager(&log);
    try {
      co_await async_with(manager, fail(&log));
    } catch (const std::runtime_error& error) {
      log.push_back(error.what());
    }
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"aenter", "body", "aexit, exception", "out of order"});
}

TEST_CASE("async_with: and of a cancellation") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    co_await async_with(Manager(&log), give(&log, 42));
  };
  const auto task = create_task(main(), loop);
  loop.call_later(1500ms, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"aenter", "body", "aexit, exception"});
}

/// Cannot be entered, or not be left.
struct Faulty {
  Coroutine<> aenter() {
    if (entering) {
      throw std::runtime_error("aenter");
    }
    co_return;
  }
  Coroutine<> aexit(std::exception_ptr) {
    throw std::runtime_error("aexit");
    co_return;
  }
  bool entering;
};

TEST_CASE("async_with: if aenter throws, neither body nor aexit") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    Faulty faulty{true};
    co_await async_with(faulty, fail(&log));
  };
  CHECK_THROWS_WITH(loop.run_until_complete(main()), "aenter");
  CHECK(log == Log{});
}

TEST_CASE("async_with: what aexit throws takes the place of the body's") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    Faulty faulty{false};
    co_await async_with(faulty, fail(&log));
  };
  CHECK_THROWS_WITH(loop.run_until_complete(main()), "aexit");
}

TEST_CASE("async_with: a manager of its own lives until the end") {
  Loop loop;
  Log log;
  Coroutine<int> coroutine = async_with(Manager(&log), give(&log, 42));
  CHECK(loop.run_until_complete(std::move(coroutine)) == 42);
  CHECK(log == Log{"aenter", "body", "aexit"});
}

Coroutine<std::unique_ptr<int>> give_unique() {
  co_return std::make_unique<int>(42);
}

TEST_CASE("async_with: a result that can only be moved") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    const auto result = co_await async_with(Manager(&log), give_unique());
    CHECK(*result == 42);
  };
  loop.run_until_complete(main());
}

TEST_CASE("async_with: destroyed in its body, it still leaves the scope") {
  Log log;
  {
    Loop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    create_task(async_with(Manager(&log), give(&log, 42)), loop);
    loop.call_later(1500ms, [&] { loop.stop(); });
    loop.run_forever();
    log.push_back("the end");
  }
  CHECK(log == Log{"aenter", "body", "the end", "aexit, exception"});
}

}  // namespace test_async_with
