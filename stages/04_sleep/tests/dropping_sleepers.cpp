#include <algorithm>
#include <cstddef>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_dropping_sleepers {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// Says when it is destroyed.
struct Witness {
  explicit Witness(Log* its_log) : log(its_log) {}
  Witness(Witness&& other) noexcept
      : log(std::exchange(other.log, nullptr)) {}
  ~Witness() {
    if (log) {
      log->push_back("gone");
    }
  }
  Log* log;
};

Coroutine<> sleeper(Log* log, Witness) {
  co_await sleep(1h);
  log->push_back("awake");
}

TEST_CASE("dropping_sleepers: a loop that closes ends those who sleep") {
  Log log;
  {
    EventLoop loop;
    Witness witness(&log);
    create_task(sleeper(&log, std::move(witness)), loop);
    loop.call_later(1ms, [&] { loop.stop(); });
    loop.run_until_idle();
    CHECK(log == Log{});
  }
  CHECK(log == Log{"gone"});
}

Coroutine<> notices(Log* log, Seconds delay) {
  try {
    co_await sleep(delay);
    log->push_back("not reached");
  } catch (const std::exception&) {
    log->push_back("an ordinary exception");
  } catch (const GeneratorExit&) {
    log->push_back("closed");
    throw;
  }
}

TEST_CASE("dropping_sleepers: they notice, but it is no ordinary exception") {
  Log log;
  EventLoop loop;
  create_task(notices(&log, 1h), loop);
  create_task(notices(&log, 0s), loop);
  loop.run_once();
  loop.close();
  CHECK(log == Log{"closed", "closed"});
}

TEST_CASE("dropping_sleepers: destroyed asleep, it leaves no timer") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  loop.call_soon([&] {
    Witness witness(&log);
    Coroutine<> coroutine = sleeper(&log, std::move(witness));
    coroutine.next();
    log.push_back("asleep");
  });
  loop.run_until_idle();
  CHECK(log == Log{"asleep", "gone"});
  CHECK(loop.time() == 0s);
}

TEST_CASE("dropping_sleepers: a loop that closes drops what its timers own") {
  Log log;
  {
    EventLoop loop;
    const auto owned = std::make_shared<Witness>(&log);
    loop.call_later(1h, [owned] {});
    loop.call_later(2h, [owned] {});
    loop.call_later(0s, [owned] {});
  }
  CHECK(log == Log{"gone"});
}

TEST_CASE("dropping_sleepers: close() drops it, not the end of the loop") {
  EventLoop loop;
  Log log;
  Witness sleeping(&log);
  create_task(sleeper(&log, std::move(sleeping)), loop);
  loop.call_later(1ms, [&] { loop.stop(); });
  loop.run_until_idle();
  loop.call_later(1h, [owned = std::make_shared<Witness>(&log)] {});
  loop.close();
  CHECK(log == Log{"gone", "gone"});
}

TEST_CASE("dropping_sleepers: nothing is counted where the loop has been") {
  alignas(EventLoop) unsigned char place[sizeof(EventLoop)];
  EventLoop* const loop = new (place) EventLoop;
  TimerHandle timer = loop->call_later(1h, [] {});
  loop->~EventLoop();
  std::memset(place, 42, sizeof place);
  timer.cancel();
  const auto untouched = std::count(place, place + sizeof place, 42);
  CHECK(untouched == std::ptrdiff_t(sizeof place));
}

using Owned = std::shared_ptr<int>;

/// Sets timers while it is destroyed, as a reconnecting client might.
struct Restless {
  Restless(EventLoop& its_loop, std::vector<TimerHandle>* its_timers, Owned its)
      : loop(its_loop), timers(its_timers), owned(std::move(its)) {}
  Restless(const Restless&) = delete;
  ~Restless() {
    for (int i = 0; i < 20; ++i) {
      timers->push_back(loop.call_later(1s, [owns = owned] {
        FAIL("too late");
      }));
    }
  }
  EventLoop& loop;
  std::vector<TimerHandle>* timers;
  Owned owned;
};

Coroutine<> restless(
    EventLoop* loop, std::vector<TimerHandle>* timers, Owned owned) {
  const Restless local(*loop, timers, std::move(owned));
  co_await sleep(1h);
}

TEST_CASE("dropping_sleepers: timers that are set while the loop closes") {
  std::vector<TimerHandle> timers;
  const auto owned = std::make_shared<int>(42);
  {
    EventLoop loop;
    loop.call_soon([&loop] { loop.stop(); });
    create_task(restless(&loop, &timers, owned), loop);
    loop.run_until_idle();
    const auto by_timer = std::make_shared<Restless>(loop, &timers, owned);
    const auto by_call = std::make_shared<Restless>(loop, &timers, owned);
    loop.call_later(1h, [by_timer] {});
    loop.call_soon([by_call] {});
  }
  CHECK(timers.size() == 60);
  timers.back().cancel();
  timers.clear();
  CHECK(owned.use_count() == 1);
}

TEST_CASE("dropping_sleepers: a coroutine that has ended leaves no timer") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  Witness witness(&log);
  create_task(sleeper(&log, std::move(witness)), loop);
  loop.run_until_idle();
  CHECK(log == Log{"awake", "gone"});
  CHECK(loop.time() == 1h);
}

TEST_CASE("dropping_sleepers: a timer that is due dies with its loop, too") {
  // One that the end of memory has kept from being called.
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    const auto handle = std::make_shared<TimerHandle>();
    {
      EventLoop loop;
      loop.use_virtual_clock();
      loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
      loop.call_later(1s, [] { throw 42; });
      *handle = loop.call_later(1s, [handle] {});
      try {
        const FailingAllocation failing(k);
        loop.run_once();
        has_failed = failing.has_failed();
      } catch (const std::bad_alloc&) {
      }
    }
    CHECK(handle.use_count() == 1);
  }
}

}  // namespace test_dropping_sleepers
