#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_anext {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

AsyncGenerator<int> countdown(int start) {
  for (int left = start; left > 0; --left) {
    co_await sleep(1s);
    co_yield left;
  }
}

Coroutine<std::vector<int>> all(AsyncGenerator<int> numbers) {
  std::vector<int> seen;
  while (const auto number = co_await numbers.anext()) {
    seen.push_back(*number);
  }
  co_return seen;
}

TEST_CASE("anext: one value after the other, and waits in between") {
  Loop loop;
  const auto seen = loop.run_until_complete(all(countdown(3)));
  CHECK(seen == std::vector{3, 2, 1});
  CHECK(loop.time() == 3s);
}

TEST_CASE("anext: nothing runs before the first one") {
  bool has_begun = false;
  const auto begins = [&]() -> AsyncGenerator<int> {
    has_begun = true;
    co_yield 1;
  };
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = begins();
    auto first = numbers.anext();
    CHECK_FALSE(has_begun);
    const auto number = co_await first;
    CHECK(number == 1);
    CHECK(has_begun);
  };
  loop.run_until_complete(main());
}

TEST_CASE("anext: after the end there is nothing, again and again") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto numbers = countdown(0);
    for (int i = 0; i < 3; ++i) {
      const auto number = co_await numbers.anext();
      CHECK_FALSE(number);
    }
  };
  loop.run_until_complete(main());
}

AsyncGenerator<int> fails_after_one() {
  co_yield 1;
  co_await sleep(1s);
  throw std::domain_error("eels");
}

TEST_CASE("anext: what the body throws comes once, then there is nothing") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto numbers = fails_after_one();
    co_await numbers.anext();
    std::string caught;
    try {
      co_await numbers.anext();
    } catch (const std::domain_error& error) {
      caught = error.what();
    }
    CHECK(caught == "eels");
    const auto number = co_await numbers.anext();
    CHECK_FALSE(number);
  };
  loop.run_until_complete(main());
}

AsyncGenerator<int> never_waits(int count) {
  for (int i = 0; i < count; ++i) {
    co_yield i;
  }
}

TEST_CASE("anext: a value that is there costs no round of the loop") {
  Loop loop;
  std::vector<std::string> log;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = never_waits(2);
    loop.call_soon([&] { log.push_back("the next round"); });
    while (co_await numbers.anext()) {
      log.push_back("a value");
    }
  };
  loop.run_until_complete(main());
  CHECK(log ==
        std::vector<std::string>{"a value", "a value", "the next round"});
}

AsyncGenerator<std::unique_ptr<int>> owners() {
  for (int i = 0; i < 2; ++i) {
    co_yield std::make_unique<int>(i);
    co_await sleep(1s);
  }
}

TEST_CASE("anext: values that can only be moved") {
  Loop loop;
  int sum = 0;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = owners();
    while (const auto number = co_await numbers.anext()) {
      sum += **number + 1;
    }
  };
  loop.run_until_complete(main());
  CHECK(sum == 3);
}

AsyncGenerator<void> ticks(int count) {
  for (int i = 0; i < count; ++i) {
    co_await sleep(1s);
    co_yield None;
  }
}

TEST_CASE("anext: a generator of nothing gives a bool") {
  Loop loop;
  int seen = 0;
  const auto main = [&]() -> Coroutine<> {
    auto clock = ticks(3);
    while (co_await clock.anext()) {
      ++seen;
    }
  };
  loop.run_until_complete(main());
  CHECK(seen == 3);
}

TEST_CASE("anext: copies stand for the same generator") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    const auto numbers = countdown(3);
    const auto same = numbers;
    const auto first = co_await numbers.anext();
    const auto second = co_await same.anext();
    CHECK(first == 3);
    CHECK(second == 2);
  };
  loop.run_until_complete(main());
}

TEST_CASE("anext: keeps the generator while it is under way") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto next = countdown(3).anext();
    const auto number = co_await next;
    CHECK(number == 3);
  };
  loop.run_until_complete(main());
}

TEST_CASE("anext: as a task, and with a time limit") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto numbers = countdown(3);
    const auto task = create_task(numbers.anext());
    const auto first = co_await task;
    CHECK(first == 3);
    bool timed_out = false;
    try {
      co_await wait_for(numbers.anext(), 500ms);
    } catch (const TimeoutError&) {
      timed_out = true;
    }
    CHECK(timed_out);
    // The cancellation has ended the body.
    const auto second = co_await numbers.anext();
    CHECK_FALSE(second);
  };
  loop.run_until_complete(main());
}

TEST_CASE("anext: a body awaits whatever a coroutine can") {
  const auto gives = [](int value) -> Coroutine<int> {
    co_await sleep(1s);
    co_return value;
  };
  const auto body = [&]() -> AsyncGenerator<int> {
    int sum = co_await gives(1);
    sum += co_await create_task(gives(2));
    Future<int> future;
    get_running_loop().call_later(1s, [future] { future.set_result(4); });
    sum += co_await future;
    const auto [one, other] = co_await gather(gives(8), gives(16));
    sum += one + other;
    auto inside = gives(32);
    sum += co_await async_with(timeout(5s), std::move(inside));
    co_yield sum;
  };
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    auto numbers = body();
    const auto number = co_await numbers.anext();
    CHECK(number == 63);
  };
  loop.run_until_complete(main());
}

TEST_CASE("anext: of one that was moved from") {
  auto numbers = countdown(1);
  const auto taken = std::move(numbers);
  CHECK_THROWS_AS(static_cast<void>(numbers.anext()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(numbers.aclose()), std::logic_error);
}

}  // namespace test_anext
