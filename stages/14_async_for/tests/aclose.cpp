#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_aclose {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

/// No co_await in a catch block: what is thrown waits until after it.
AsyncGenerator<int> cleans_up(Log* log) {
  std::exception_ptr exception;
  try {
    co_yield 1;
    co_yield 2;
  } catch (...) {
    exception = std::current_exception();
  }
  log->push_back("begins to clean up");
  co_await sleep(1s);
  log->push_back("is clean");
  if (exception) {
    std::rethrow_exception(exception);
  }
}

TEST_CASE("aclose: waits until the body has cleaned up") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = cleans_up(&log);
    co_await numbers.anext();
    co_await numbers.aclose();
    log.push_back("is closed");
    const auto number = co_await numbers.anext();
    CHECK_FALSE(number);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"begins to clean up", "is clean", "is closed"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("aclose: of one that has not begun, its body never runs") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = cleans_up(&log);
    co_await numbers.aclose();
    const auto number = co_await numbers.anext();
    CHECK_FALSE(number);
  };
  loop.run_until_complete(main());
  CHECK(log.empty());
}

TEST_CASE("aclose: a second one, and one after the end, do nothing") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = cleans_up(&log);
    co_await numbers.anext();
    co_await numbers.aclose();
    co_await numbers.aclose();
    auto others = cleans_up(&log);
    while (co_await others.anext()) {
    }
    co_await others.aclose();
  };
  loop.run_until_complete(main());
  CHECK(log.size() == 4);
}

AsyncGenerator<int> returns() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
  }
}

AsyncGenerator<int> fails() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    throw std::domain_error("eels");
  }
}

AsyncGenerator<int> refuses() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
  }
  co_await sleep(1s);
  co_yield 2;
}

Coroutine<std::string> close(AsyncGenerator<int> numbers) {
  co_await numbers.anext();
  try {
    co_await numbers.aclose();
  } catch (const std::exception& error) {
    co_return error.what();
  }
  co_return "closed";
}

TEST_CASE("aclose: how the body may take it") {
  Loop loop;
  CHECK(loop.run_until_complete(close(returns())) == "closed");
  CHECK(loop.run_until_complete(close(fails())) == "eels");
  CHECK(loop.run_until_complete(close(refuses())) ==
        "async generator ignored GeneratorExit");
}

TEST_CASE("aclose: inside out along a chain") {
  Loop loop;
  Log log;
  const auto reads = [&]() -> AsyncGenerator<int> {
    std::exception_ptr exception;
    try {
      co_yield 1;
    } catch (...) {
      exception = std::current_exception();
    }
    co_await sleep(1s);
    log.push_back("reads");
    std::rethrow_exception(exception);
  };
  const auto filters = [&]() -> AsyncGenerator<int> {
    auto source = reads();
    std::exception_ptr exception;
    try {
      while (const auto number = co_await source.anext()) {
        co_yield *number;
      }
    } catch (...) {
      exception = std::current_exception();
    }
    co_await source.aclose();
    log.push_back("filters");
    std::rethrow_exception(exception);
  };
  const auto main = [&]() -> Coroutine<> {
    auto numbers = filters();
    co_await numbers.anext();
    co_await numbers.aclose();
    log.push_back("main");
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"reads", "filters", "main"});
}

TEST_CASE("aclose: is cancelled while the body cleans up") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = cleans_up(&log);
    co_await numbers.anext();
    const auto closing = create_task(numbers.aclose());
    co_await sleep(500ms);
    closing.cancel();
    const std::vector tasks{closing};
    co_await wait(tasks);
    CHECK(closing.cancelled());
    const auto number = co_await numbers.anext();
    CHECK_FALSE(number);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"begins to clean up"});
}

}  // namespace test_aclose
