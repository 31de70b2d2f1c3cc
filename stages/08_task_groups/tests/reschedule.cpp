#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_reschedule {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

/// In a body that would take 10 s, one second after it has begun.
void reschedule_after_a_second(
    Loop& loop,
    Seconds limit,
    std::optional<Seconds> when
) {
  Timeout scope = timeout_at(limit);
  const auto body = [&]() -> Coroutine<> {
    co_await sleep(1s);
    scope.reschedule(when);
    CHECK(scope.when() == when);
    CHECK(!scope.expired());
    co_await sleep(9s);
  };
  const auto main = [&]() -> Coroutine<> {
    co_await async_with(scope, body());
  };
  loop.run_until_complete(main());
}

TEST_CASE("reschedule: later") {
  Loop loop;
  CHECK_THROWS_AS(reschedule_after_a_second(loop, 2s, 4s), TimeoutError);
  CHECK(loop.time() == 4s);
}

TEST_CASE("reschedule: earlier") {
  Loop loop;
  CHECK_THROWS_AS(reschedule_after_a_second(loop, 5s, 2s), TimeoutError);
  CHECK(loop.time() == 2s);
}

TEST_CASE("reschedule: into the past") {
  Loop loop;
  CHECK_THROWS_AS(reschedule_after_a_second(loop, 5s, 0s), TimeoutError);
  CHECK(loop.time() == 1s);
}

TEST_CASE("reschedule: never") {
  Loop loop;
  reschedule_after_a_second(loop, 5s, std::nullopt);
  CHECK(loop.time() == 10s);
}

TEST_CASE("reschedule: by somebody else") {
  Loop loop;
  Timeout scope(std::nullopt);
  const auto body = []() -> Coroutine<> { co_await sleep(10s); };
  const auto main = [&]() -> Coroutine<> {
    co_await async_with(scope, body());
  };
  loop.call_later(1s, [&] { scope.reschedule(2s); });
  CHECK_THROWS_AS(loop.run_until_complete(main()), TimeoutError);
  CHECK(loop.time() == 2s);
}

TEST_CASE("reschedule: only in the body, and not once time is up") {
  Loop loop;
  Timeout scope = timeout_at(1s);
  const auto body = [&]() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
    }
    CHECK(scope.expired());
    CHECK_THROWS_AS(scope.reschedule(3s), std::logic_error);
  };
  const auto main = [&]() -> Coroutine<> {
    CHECK_THROWS_AS(scope.reschedule(2s), std::logic_error);
    co_await async_with(scope, body());
    CHECK_THROWS_AS(scope.reschedule(4s), std::logic_error);
    CHECK(scope.when() == Seconds(1));
  };
  loop.run_until_complete(main());
}

TEST_CASE("reschedule: nor once the body has ended in time") {
  Loop loop;
  Timeout scope = timeout_at(2s);
  const auto body = []() -> Coroutine<> { co_await sleep(1s); };
  const auto main = [&]() -> Coroutine<> {
    co_await async_with(scope, body());
    CHECK_THROWS_AS(scope.reschedule(3s), std::logic_error);
    co_await sleep(9s);
  };
  loop.run_until_complete(main());
  CHECK(!scope.expired());
}

TEST_CASE("reschedule: what is moved before its body is as good as new") {
  Loop loop;
  Timeout first = timeout_at(1s);
  Timeout second = std::move(first);
  const auto body = []() -> Coroutine<> { co_await sleep(10s); };
  const auto main = [&]() -> Coroutine<> {
    co_await async_with(second, body());
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), TimeoutError);
  CHECK(second.expired());
  CHECK(!first.expired());
}

}  // namespace test_reschedule
