#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_condition {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> waits(Condition* condition, Log* log, std::string label) {
  const auto guard = co_await condition->scoped();
  co_await condition->wait();
  CHECK(condition->locked());
  log->push_back(label);
}

TEST_CASE("condition: notify() wakes as many as it says, the first first") {
  Loop loop;
  Condition condition;
  Log log;
  for (const char* label : {"a", "b", "c", "d"}) {
    create_task(waits(&condition, &log, label), loop);
  }
  const auto main = [&]() -> Coroutine<> {
    co_await sleep(1s);
    {
      const auto guard = co_await condition.scoped();
      condition.notify();
    }
    co_await sleep(1s);
    CHECK(log == Log{"a"});
    {
      const auto guard = co_await condition.scoped();
      condition.notify(2);
    }
    co_await sleep(1s);
    CHECK(log == Log{"a", "b", "c"});
    const auto guard = co_await condition.scoped();
    condition.notify_all();
  };
  create_task(main(), loop);
  loop.run_until_idle();
  CHECK(log == Log{"a", "b", "c", "d"});
}

TEST_CASE("condition: it waits without the lock, and goes on with it") {
  Loop loop;
  Condition condition;
  Log log;
  create_task(waits(&condition, &log, "woken"), loop);
  const auto main = [&]() -> Coroutine<> {
    co_await sleep(1s);
    CHECK(!condition.locked());
    const auto guard = co_await condition.scoped();
    condition.notify();
    co_await sleep(1s);
    log.push_back("lets go");
  };
  create_task(main(), loop);
  loop.run_until_idle();
  CHECK(log == Log{"lets go", "woken"});
}

TEST_CASE("condition: wait_for() looks again each time") {
  Loop loop;
  Condition condition;
  int value = 0;
  const auto main = [&]() -> Coroutine<> {
    const auto guard = co_await condition.scoped();
    const auto enough = [&] { return value / 3; };
    const int result = co_await condition.wait_for(enough);
    CHECK(result == 1);
    CHECK(value == 3);
  };
  const auto adds = [&]() -> Coroutine<> {
    for (int i = 0; i < 3; ++i) {
      co_await sleep(1s);
      const auto guard = co_await condition.scoped();
      ++value;
      condition.notify_all();
    }
  };
  create_task(main(), loop);
  create_task(adds(), loop);
  loop.run_until_idle();
  CHECK(loop.time() == 3s);
  CHECK(!condition.locked());
}

TEST_CASE("condition: neither wait() nor notify() without the lock") {
  Loop loop;
  Condition condition;
  CHECK_THROWS_WITH(condition.notify(), "cannot notify on un-acquired lock");
  CHECK_THROWS_WITH(loop.run_until_complete(condition.wait()),
                    "cannot wait on un-acquired lock");
}

TEST_CASE("condition: cancelled, it has the lock before it hears of that") {
  Loop loop;
  Condition condition;
  const auto main = [&]() -> Coroutine<> {
    const auto guard = co_await condition.scoped();
    try {
      co_await condition.wait();
    } catch (const CancelledError&) {
      CHECK(get_running_loop().time() == 3s);
      CHECK(condition.locked());
      throw;
    }
  };
  const auto holds = [&]() -> Coroutine<> {
    co_await sleep(1s);
    const auto guard = co_await condition.scoped();
    co_await sleep(2s);
  };
  const auto task = create_task(main(), loop);
  create_task(holds(), loop);
  loop.call_later(2s, [&] { task.cancel(); });
  loop.call_later(2500ms, [&] { task.cancel(); });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(!condition.locked());
}

TEST_CASE("condition: several may share a lock") {
  Loop loop;
  Lock lock;
  Condition one(lock);
  Condition other(lock);
  Log log;
  create_task(waits(&one, &log, "one"), loop);
  create_task(waits(&other, &log, "other"), loop);
  const auto main = [&]() -> Coroutine<> {
    co_await sleep(1s);
    const auto guard = co_await lock.scoped();
    CHECK(one.locked());
    other.notify_all();
    co_await sleep(1s);
    one.notify_all();
  };
  create_task(main(), loop);
  loop.run_until_idle();
  CHECK(log == Log{"other", "one"});
}

TEST_CASE("condition: one whose lock is gone says so") {
  auto lock = std::make_unique<Lock>();
  Condition condition(*lock);
  lock.reset();
  CHECK_THROWS_WITH(condition.locked(), "Lock was destroyed");
  CHECK_THROWS_WITH(condition.notify(), "Lock was destroyed");
}

}  // namespace test_condition
