#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_aclosing {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

AsyncGenerator<int> cleans_up(Log* log) {
  std::exception_ptr exception;
  try {
    for (int i = 1; true; ++i) {
      co_yield i;
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await sleep(1s);
  log->push_back("is clean");
  std::rethrow_exception(exception);
}

Coroutine<int> first_above(int limit, AsyncGenerator<int> numbers) {
  while (const auto number = co_await numbers.anext()) {
    if (*number > limit) {
      co_return *number;
    }
  }
  throw std::out_of_range("none is");
}

TEST_CASE("aclosing: the generator is closed before the scope has ended") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = cleans_up(&log);
    const int found =
        co_await async_with(aclosing(numbers), first_above(2, numbers));
    log.push_back(std::to_string(found));
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"is clean", "3"});
}

TEST_CASE("aclosing: whatever ends the scope") {
  Loop loop;
  Log log;
  const auto throws = [](AsyncGenerator<int> numbers) -> Coroutine<> {
    co_await numbers.anext();
    throw std::domain_error("eels");
  };
  const auto waits = [](AsyncGenerator<int> numbers) -> Coroutine<> {
    co_await numbers.anext();
    co_await sleep(1h);
  };
  const auto main = [&]() -> Coroutine<> {
    try {
      auto numbers = cleans_up(&log);
      co_await async_with(aclosing(numbers), throws(numbers));
    } catch (const std::domain_error& error) {
      log.push_back(error.what());
    }
    try {
      auto numbers = cleans_up(&log);
      auto scope = async_with(aclosing(numbers), waits(numbers));
      co_await wait_for(std::move(scope), 1s);
    } catch (const TimeoutError&) {
      log.push_back("timed out");
    }
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"is clean", "eels", "is clean", "timed out"});
}

/// Anything that can be closed.
struct Connection {
  Coroutine<> aclose() {
    co_await sleep(1s);
    log->push_back("closed");
  }

  Log* log;
};

TEST_CASE("aclosing: of anything that has an aclose()") {
  Loop loop;
  Log log;
  const auto body = [&]() -> Coroutine<> {
    log.push_back("body");
    co_return;
  };
  const auto main = [&]() -> Coroutine<> {
    Connection connection{&log};
    auto scope = aclosing(connection);
    co_await async_with(scope, body());
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"body", "closed"});
}

}  // namespace test_aclosing
