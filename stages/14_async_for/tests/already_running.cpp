#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_already_running {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

AsyncGenerator<int, int> slow() {
  while (true) {
    co_await sleep(1s);
    co_yield 1;
  }
}

template <class T>
Coroutine<std::string> refusal(Coroutine<T> coroutine) {
  try {
    co_await coroutine;
  } catch (const std::logic_error& error) {
    co_return error.what();
  }
  co_return "not refused";
}

TEST_CASE("already_running: one operation at a time") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto numbers = slow();
    const auto first = create_task(numbers.anext());
    co_await sleep(500ms);
    const std::string reason = ": asynchronous generator is already running";
    const auto anext = co_await refusal(numbers.anext());
    CHECK(anext == "anext()" + reason);
    const auto asend = co_await refusal(numbers.asend(1));
    CHECK(asend == "anext()" + reason);
    const auto athrow =
        co_await refusal(numbers.athrow(std::domain_error("eels")));
    CHECK(athrow == "athrow()" + reason);
    const auto aclose = co_await refusal(numbers.aclose());
    CHECK(aclose == "aclose()" + reason);
    // The first one has not heard of that.
    const auto number = co_await first;
    CHECK(number == 1);
    const auto again = co_await refusal(numbers.anext());
    CHECK(again == "not refused");
  };
  loop.run_until_complete(main());
}

TEST_CASE("already_running: a body that asks itself") {
  Loop loop;
  AsyncGenerator<int>* self = nullptr;
  const auto asks_itself = [&]() -> AsyncGenerator<int> {
    const auto reason = co_await refusal(self->anext());
    CHECK(reason == "anext(): asynchronous generator is already running");
    co_yield 1;
  };
  const auto main = [&]() -> Coroutine<> {
    auto numbers = asks_itself();
    self = &numbers;
    const auto number = co_await numbers.anext();
    CHECK(number == 1);
  };
  loop.run_until_complete(main());
}

TEST_CASE("already_running: not after a cancellation") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto numbers = slow();
    const auto first = create_task(numbers.anext());
    co_await sleep(500ms);
    first.cancel();
    const std::vector tasks{first};
    co_await wait(tasks);
    CHECK(first.cancelled());
    const auto again = co_await refusal(numbers.anext());
    CHECK(again == "not refused");
  };
  loop.run_until_complete(main());
}

TEST_CASE("already_running: not after the one that asked is destroyed") {
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = slow();
    {
      auto first = numbers.anext();
      first.next();
    }
    // GeneratorExit has ended the body.
    const auto number = co_await numbers.anext();
    CHECK_FALSE(number);
  };
  loop.run_until_complete(main());
}

TEST_CASE("already_running: nor if the body does not want to end then") {
  Loop loop;
  const auto insists = []() -> AsyncGenerator<int> {
    try {
      co_await sleep(1s);
    } catch (const GeneratorExit&) {
    }
    co_await sleep(1s);
    co_yield 1;
  };
  const auto main = [&]() -> Coroutine<> {
    auto numbers = insists();
    {
      auto first = numbers.anext();
      first.next();
    }
    // It waited again, in place of a coroutine that is gone: so it is gone.
    const auto number = co_await numbers.anext();
    CHECK_FALSE(number);
  };
  loop.run_until_complete(main());
}

}  // namespace test_already_running
