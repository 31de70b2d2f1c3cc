#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_asend {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

AsyncGenerator<double, double> averager() {
  double sum = 0;
  int count = 0;
  while (true) {
    const auto next = co_yield count == 0 ? 0 : sum / count;
    co_await sleep(1s);
    sum += next.value_or(0);
    ++count;
  }
}

TEST_CASE("asend: is what the pending co_yield gives") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto average = averager();
    co_await average.anext();
    const auto one = co_await average.asend(10);
    CHECK(one == 10.0);
    const auto two = co_await average.asend(30);
    CHECK(two == 20.0);
    // Nothing is sent by anext().
    const auto three = co_await average.anext();
    CHECK(three == doctest::Approx(40.0 / 3));
  };
  loop.run_until_complete(main());
  CHECK(loop.time() == 3s);
}

TEST_CASE("asend: not to one that has just begun") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto average = averager();
    std::string caught;
    try {
      co_await average.asend(1);
    } catch (const std::logic_error& error) {
      caught = error.what();
    }
    CHECK(caught ==
          "can't send a value to a just-started asynchronous generator");
    const auto first = co_await average.anext();
    CHECK(first == 0.0);
  };
  loop.run_until_complete(main());
}

AsyncGenerator<int> two() {
  co_yield 1;
  co_yield 2;
}

TEST_CASE("asend: without anything to send it is anext()") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto numbers = two();
    const auto first = co_await numbers.asend(None);
    const auto second = co_await numbers.asend(None);
    const auto third = co_await numbers.asend(None);
    CHECK(first == 1);
    CHECK(second == 2);
    CHECK_FALSE(third);
  };
  loop.run_until_complete(main());
}

}  // namespace test_asend
