#include <exception>
#include <memory>
#include <stdexcept>
#include <utility>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_guard {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

TEST_CASE("guard: the lock is held for as long as it lives") {
  Loop loop;
  Lock lock;
  const auto main = [&]() -> Coroutine<> {
    {
      const auto guard = co_await lock.scoped();
      CHECK(lock.locked());
      co_await sleep(1s);
      CHECK(lock.locked());
    }
    CHECK(!lock.locked());
  };
  loop.run_until_complete(main());
}

TEST_CASE("guard: an exception lets go, too") {
  Loop loop;
  Lock lock;
  const auto main = [&]() -> Coroutine<> {
    const auto guard = co_await lock.scoped();
    throw std::runtime_error("body");
  };
  CHECK_THROWS_WITH(loop.run_until_complete(main()), "body");
  CHECK(!lock.locked());
}

TEST_CASE("guard: one that is moved lets go once") {
  Loop loop;
  Lock lock;
  const auto main = [&]() -> Coroutine<> {
    auto guard = co_await lock.scoped();
    {
      const auto other = std::move(guard);
      CHECK(lock.locked());
    }
    CHECK(!lock.locked());
    co_await lock.acquire();
  };
  loop.run_until_complete(main());
  CHECK(lock.locked());
}

TEST_CASE("guard: released by hand, it says so instead of throwing") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Lock lock;
    const auto guard = co_await lock.scoped();
    lock.release();
  };
  loop.run_until_complete(main());
}

TEST_CASE("guard: it may outlive its lock") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    auto lock = std::make_unique<Lock>();
    const auto guard = co_await lock->scoped();
    lock.reset();
  };
  loop.run_until_complete(main());
}

TEST_CASE("guard: a frame that is destroyed lets go") {
  Lock lock;
  Loop loop;
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  const auto holds = [&]() -> Coroutine<> {
    const auto guard = co_await lock.scoped();
    co_await sleep(1h);
  };
  const auto task = create_task(holds(), loop);
  loop.run_once();
  CHECK(lock.locked());
  loop.close();
  CHECK(!lock.locked());
}

TEST_CASE("guard: async_with acquires, and lets go however the body ends") {
  Loop loop;
  Lock lock;
  const auto body = [&]() -> Coroutine<int> {
    CHECK(lock.locked());
    co_return 42;
  };
  const auto fails = []() -> Coroutine<> {
    throw std::runtime_error("body");
    co_return;
  };
  const auto main = [&]() -> Coroutine<> {
    const int result = co_await async_with(lock, body());
    CHECK(result == 42);
    CHECK(!lock.locked());
    co_await async_with(lock, fails());
  };
  CHECK_THROWS_WITH(loop.run_until_complete(main()), "body");
  CHECK(!lock.locked());
}

}  // namespace test_guard
