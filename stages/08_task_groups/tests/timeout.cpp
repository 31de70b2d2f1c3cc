#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_timeout {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<int> nap(Seconds delay) {
  co_await sleep(delay);
  co_return 42;
}

TEST_CASE("timeout: in time, nothing happens") {
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout(2s);
    const int result = co_await async_with(limit, nap(1s));
    CHECK(result == 42);
    CHECK(!limit.expired());
    CHECK(current_task().cancelling() == 0);
    co_await sleep(5s);
  };
  loop.run_until_complete(main());
  CHECK(loop.time() == 6s);
}

TEST_CASE("timeout: too late, the body is cancelled") {
  Loop loop;
  Log log;
  const auto body = [&]() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      log.push_back("cancelled");
      throw;
    }
  };
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout(1s);
    CHECK_FALSE(limit.expired());
    try {
      co_await async_with(limit, body());
    } catch (const TimeoutError& error) {
      log.push_back(error.what());
    }
    CHECK(limit.expired());
    CHECK(current_task().cancelling() == 0);
  };
  const auto task = create_task(main(), loop);
  loop.run_until_idle();
  CHECK(log == Log{"cancelled", "timed out"});
  CHECK(loop.time() == 1s);
  CHECK(!task.cancelled());
}

TEST_CASE("timeout: it limits all that the body awaits") {
  Loop loop;
  const auto body = []() -> Coroutine<> {
    for (int i = 0; i < 10; ++i) {
      co_await sleep(1s);
    }
  };
  const auto main = [&]() -> Coroutine<> {
    co_await async_with(timeout(3500ms), body());
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), TimeoutError);
  CHECK(loop.time() == 3500ms);
}

TEST_CASE("timeout: nullopt is no limit") {
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout(std::nullopt);
    co_await async_with(limit, nap(1000h));
    CHECK(!limit.when());
    CHECK(!limit.expired());
  };
  loop.run_until_complete(main());
}

TEST_CASE("timeout: no time at all ends the body at its first pause") {
  for (const Seconds delay : {0s, -5s}) {
    Loop loop;
    Log log;
    const auto body = [&]() -> Coroutine<> {
      log.push_back("begins");
      co_await sleep(0s);
      log.push_back("goes on");
    };
    const auto main = [&]() -> Coroutine<> {
      co_await async_with(timeout(delay), body());
    };
    CHECK_THROWS_AS(loop.run_until_complete(main()), TimeoutError);
    CHECK(log == Log{"begins"});
    CHECK(loop.time() == 0s);
  }
}

TEST_CASE("timeout: no time is enough for a body that does not wait") {
  Loop loop;
  const auto body = []() -> Coroutine<int> { co_return 42; };
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout(0s);
    const int result = co_await async_with(limit, body());
    CHECK(result == 42);
    co_await sleep(1s);
    CHECK(!limit.expired());
  };
  loop.run_until_complete(main());
}

TEST_CASE("timeout: timeout_at() takes the time of the loop's clock") {
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout_at(3s);
    CHECK(limit.when() == Seconds(3));
    co_await sleep(1s);
    co_await async_with(limit, nap(10s));
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), TimeoutError);
  CHECK(loop.time() == 3s);
}

TEST_CASE("timeout: an exception of the body is not touched") {
  Loop loop;
  const auto body = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      throw std::runtime_error("clean-up");
    }
  };
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout(1s);
    try {
      co_await async_with(limit, body());
      FAIL("not reached");
    } catch (const std::runtime_error& error) {
      CHECK(std::string(error.what()) == "clean-up");
    }
    CHECK(limit.expired());
    CHECK(current_task().cancelling() == 0);
  };
  loop.run_until_complete(main());
}

TEST_CASE("timeout: a TimeoutError of the body is not its own") {
  Loop loop;
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout(5s);
    try {
      co_await async_with(limit, wait_for(nap(10s), 1s));
      FAIL("not reached");
    } catch (const TimeoutError&) {
    }
    CHECK(!limit.expired());
  };
  loop.run_until_complete(main());
}

TEST_CASE("timeout: it waits for the clean-up") {
  Loop loop;
  const auto body = []() -> Coroutine<> {
    std::exception_ptr cancelled;
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    co_await sleep(2s);
    std::rethrow_exception(cancelled);
  };
  const auto main = [&]() -> Coroutine<> {
    co_await async_with(timeout(1s), body());
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), TimeoutError);
  CHECK(loop.time() == 3s);
}

TEST_CASE("timeout: who swallows the cancellation gets no TimeoutError") {
  Loop loop;
  const auto body = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
    }
  };
  const auto main = [&]() -> Coroutine<> {
    auto limit = timeout(1s);
    co_await async_with(limit, body());
    CHECK(limit.expired());
    CHECK(current_task().cancelling() == 0);
  };
  loop.run_until_complete(main());
}

TEST_CASE("timeout: needs a task to cancel") {
  Loop loop;
  std::string message;
  loop.call_soon([&] {
    Coroutine<int> coroutine = async_with(timeout(1s), nap(1s));
    try {
      coroutine.next();
    } catch (const std::logic_error& error) {
      message = error.what();
    }
  });
  loop.run_until_idle();
  CHECK(message == "a timeout needs a task to cancel");
}

TEST_CASE("timeout: is good for one body") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto limit = timeout(5s);
    co_await async_with(limit, nap(1s));
    co_await async_with(limit, nap(1s));
  };
  CHECK_THROWS_AS(loop.run_until_complete(main()), std::logic_error);
  CHECK(loop.time() == 1s);
}

/// A place for a loop: whoever asks for it later finds nothing but zeros.
struct Place {
  Place() { loop = new (bytes) Loop; }
  void clear() {
    loop->~Loop();
    std::memset(bytes, 0, sizeof bytes);
  }
  alignas(Loop) unsigned char bytes[sizeof(Loop)];
  Loop* loop;
};

TEST_CASE("timeout: none at all is refused without a loop, too") {
  CHECK_THROWS_AS(timeout(1s), std::logic_error);
  CHECK_THROWS_AS(timeout(std::nullopt), std::logic_error);
}

TEST_CASE("timeout: one that is over may outlive its loop") {
  const auto place = std::make_unique<Place>();
  std::optional<Timeout> limit;
  const auto main = [&]() -> Coroutine<> {
    limit.emplace(get_running_loop().time());
    co_await async_with(*limit, nap(0s));
  };
  CHECK_THROWS_AS(place->loop->run_until_complete(main()), TimeoutError);
  place->clear();
  limit.reset();
}

TEST_CASE("timeout: so may one that was entered, and whose time is up") {
  const auto place = std::make_unique<Place>();
  std::optional<Timeout> limit;
  const auto main = [&]() -> Coroutine<> {
    limit.emplace(get_running_loop().time());
    co_await limit->aenter();
    co_await sleep(1s);
  };
  const auto task = create_task(main(), *place->loop);
  place->loop->set_exception_handler([](const std::string&, auto) {});
  place->loop->run_once();
  place->clear();
  limit.reset();
}

TEST_CASE("timeout: entered by hand and destroyed, it cancels nobody") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    {
      Timeout limit = timeout(1s);
      co_await limit.aenter();
    }
    co_await sleep(2s);
  };
  const auto task = create_task(main(), loop);
  loop.run_until_idle();
  CHECK(!task.cancelled());
  CHECK(task.cancelling() == 0);
}

TEST_CASE("timeout: destroyed in its body, it leaves no timer") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Coroutine<int> coroutine = async_with(timeout(1h), nap(2h));
    coroutine.next();
    co_return;
  };
  loop.run_until_complete(main());
  loop.run_until_idle();
  CHECK(loop.time() == 0s);
}

Coroutine<> is_left_by_an_exit() {
  Timeout limit = timeout(1s);
  {
    auto scope = async_with(limit, as_coroutine(sleep(1h)));
    scope.next();
    scope.close();
  }
  co_await sleep(5s);
  CHECK_FALSE(limit.expired());
}

TEST_CASE("timeout: one whose body is destroyed cancels nobody later") {
  Loop loop;
  loop.run_until_complete(is_left_by_an_exit());
}

}  // namespace test_timeout
