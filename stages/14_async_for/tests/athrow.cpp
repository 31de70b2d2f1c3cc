#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_athrow {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

AsyncGenerator<std::string> catches() {
  std::string caught = "nothing";
  while (true) {
    try {
      co_yield caught;
    } catch (const std::domain_error& error) {
      caught = error.what();
    }
    co_await sleep(1s);
  }
}

/// How awaiting it ends.
template <class T>
Coroutine<std::string> end_of(Coroutine<T> coroutine) {
  try {
    co_await coroutine;
    co_return "no exception";
  } catch (const std::exception& error) {
    co_return error.what();
  } catch (const GeneratorExit&) {
    co_return "GeneratorExit";
  }
}

TEST_CASE("athrow: the pending co_yield throws, and the body goes on") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto generator = catches();
    co_await generator.anext();
    const auto answer = co_await generator.athrow(std::domain_error("eels"));
    CHECK(answer == "eels");
  };
  loop.run_until_complete(main());
  CHECK(loop.time() == 1s);
}

TEST_CASE("athrow: what the body does not catch comes back, and ends it") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto generator = catches();
    co_await generator.anext();
    const auto end =
        co_await end_of(generator.athrow(std::runtime_error("out of order")));
    CHECK(end == "out of order");
    const auto next = co_await generator.anext();
    CHECK_FALSE(next);
  };
  loop.run_until_complete(main());
}

TEST_CASE("athrow: before it has begun, at its opening brace") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto generator = catches();
    const auto end =
        co_await end_of(generator.athrow(std::domain_error("eels")));
    CHECK(end == "eels");
    const auto next = co_await generator.anext();
    CHECK_FALSE(next);
  };
  loop.run_until_complete(main());
}

TEST_CASE("athrow: to one that has ended, nothing happens") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto generator = catches();
    co_await generator.aclose();
    const auto end =
        co_await end_of(generator.athrow(std::domain_error("eels")));
    CHECK(end == "no exception");
  };
  loop.run_until_complete(main());
}

TEST_CASE("athrow: GeneratorExit is no end like that of aclose()") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto generator = catches();
    co_await generator.anext();
    const auto end = co_await end_of(generator.athrow(GeneratorExit()));
    CHECK(end == "GeneratorExit");
  };
  loop.run_until_complete(main());
}

TEST_CASE("athrow: there has to be an exception") {
  const auto generator = catches();
  CHECK_THROWS_AS(static_cast<void>(generator.athrow(std::exception_ptr())),
                  std::invalid_argument);
}

}  // namespace test_athrow
