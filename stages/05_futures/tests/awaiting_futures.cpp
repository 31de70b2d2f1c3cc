#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_awaiting_futures {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> waiter(Log* log, std::string name, Future<int> future) {
  log->push_back(name + " waits");
  const int value = co_await future;
  log->push_back(name + " has " + std::to_string(value));
}

Coroutine<> setter(Log* log, Future<int> future, int value) {
  future.set_result(value);
  log->push_back("set");
  co_return;
}

TEST_CASE("awaiting_futures: pauses until somebody sets it") {
  Loop loop;
  Log log;
  const Future<int> future(loop);
  create_task(waiter(&log, "a", future), loop);
  create_task(setter(&log, future, 42), loop);
  loop.run_until_idle();
  CHECK(log == Log{"a waits", "set", "a has 42"});
}

TEST_CASE("awaiting_futures: several wait for the same, first come") {
  Loop loop;
  Log log;
  const Future<int> future(loop);
  create_task(waiter(&log, "a", future), loop);
  create_task(waiter(&log, "b", future), loop);
  create_task(waiter(&log, "c", future), loop);
  create_task(setter(&log, future, 1), loop);
  loop.run_until_idle();
  CHECK(log == Log{"a waits", "b waits", "c waits", "set", "a has 1",
                   "b has 1", "c has 1"});
}

Coroutine<> not_paused(Log* log, Future<int> future) {
  get_running_loop().call_soon([log] { log->push_back("others"); });
  const int value = co_await future;
  log->push_back("has " + std::to_string(value));
}

TEST_CASE("awaiting_futures: one that is done does not pause") {
  Loop loop;
  Log log;
  const Future<int> future(loop);
  future.set_result(5);
  create_task(not_paused(&log, future), loop);
  loop.run_until_idle();
  CHECK(log == Log{"has 5", "others"});
}

Coroutine<> done_a_million_times(Future<int> future, long* sum) {
  for (int i = 0; i < 1000000; ++i) {
    *sum += co_await future;
  }
}

Coroutine<> yields(Log* log, Waiting* waiting) {
  co_yield Awaited(*waiting);
  log->push_back("went on");
}

TEST_CASE("awaiting_futures: one that is done, yielded by hand") {
  Log log;
  EventLoop loop;
  FutureState<int> future(loop);
  future.set_result(1);
  Waiting waiting(future);
  create_task(yields(&log, &waiting), loop);
  loop.run_until_idle();
  CHECK(log == Log{"went on"});
}

TEST_CASE("awaiting_futures: one that is done, often") {
  Loop loop;
  const Future<int> future(loop);
  future.set_result(1);
  long sum = 0;
  create_task(done_a_million_times(future, &sum), loop);
  loop.run_until_idle();
  CHECK(sum == 1000000);
}

Coroutine<int> plus_one(Future<int> future) {
  const int value = co_await future;
  co_return value + 1;
}

Coroutine<> deep(Future<int> future, int* result) {
  *result = co_await plus_one(future);
}

TEST_CASE("awaiting_futures: at any depth") {
  Loop loop;
  const Future<int> future(loop);
  int result = 0;
  create_task(deep(future, &result), loop);
  loop.call_later(1s, [future] { future.set_result(41); });
  loop.run_until_idle();
  CHECK(result == 42);
}

Future<int> nine_in_a_second(std::weak_ptr<FutureBase>* watched) {
  const Future<int> future;
  *watched = future.state();
  get_running_loop().call_later(1s, [weak = *watched] {
    const Future<int> again(weak.lock());
    again.set_result(9);
  });
  return future;
}

Coroutine<> keeps(Log* log, std::weak_ptr<FutureBase>* watched) {
  const int value = co_await nine_in_a_second(watched);
  log->push_back(std::to_string(value));
}

TEST_CASE("awaiting_futures: whoever awaits it keeps it alive") {
  Loop loop;
  Log log;
  std::weak_ptr<FutureBase> watched;
  create_task(keeps(&log, &watched), loop);
  loop.run_until_idle();
  CHECK(log == Log{"9"});
  CHECK(watched.expired());
}

Coroutine<> borrows(Log* log, const Future<int>& future) {
  const int value = co_await future;
  log->push_back(std::to_string(value));
}

TEST_CASE("awaiting_futures: also if all others let go of it meanwhile") {
  Loop loop;
  Log log;
  auto only = std::make_unique<Future<int>>(loop);
  const std::weak_ptr<FutureBase> watched = only->state();
  create_task(borrows(&log, *only), loop);
  loop.call_later(1s, [&] { only.reset(); });
  loop.call_later(2s, [&] {
    if (const auto alive = watched.lock()) {
      Future<int>(alive).set_result(9);
    }
  });
  loop.run_until_idle();
  CHECK(log == Log{"9"});
  CHECK(watched.expired());
}

TEST_CASE("awaiting_futures: set by a coroutine, a callback, a timer") {
  Loop loop;
  Log log;
  const Future<int> one(loop);
  const Future<int> two(loop);
  const Future<int> three(loop);
  create_task(waiter(&log, "a", one), loop);
  create_task(waiter(&log, "b", two), loop);
  create_task(waiter(&log, "c", three), loop);
  loop.call_later(2s, [one] { one.set_result(1); });
  loop.call_later(1s, [=, &loop] {
    loop.call_soon([two] { two.set_result(2); });
  });
  loop.call_later(3s, [=, &log, &loop] {
    create_task(setter(&log, three, 3), loop);
  });
  loop.run_until_idle();
  CHECK(log == Log{"a waits", "b waits", "c waits", "b has 2", "a has 1", "set",
                   "c has 3"});
}

Coroutine<> hand_over(std::vector<Future<int>> all, std::size_t place) {
  const int value = co_await all[place];
  all[place + 1].set_result(value + 1);
}

TEST_CASE("awaiting_futures: a thousand hand over") {
  Loop loop;
  std::vector<Future<int>> all;
  for (int i = 0; i <= 1000; ++i) {
    all.emplace_back(loop);
  }
  for (std::size_t i = 0; i < 1000; ++i) {
    create_task(hand_over(all, i), loop);
  }
  all.front().set_result(0);
  loop.run_until_idle();
  CHECK(all.back().result() == 1000);
}

void check_different(const std::string& message) {
  CAPTURE(message);
  CHECK(message.find("different") != std::string::npos);
}

Coroutine<> tell(Log* log, Future<int> future) {
  try {
    co_await future;
  } catch (const std::exception& error) {
    log->push_back("refused");
    check_different(error.what());
  }
  co_await sleep(1s);
  log->push_back("goes on");
}

TEST_CASE("awaiting_futures: another loop's is an error at the await") {
  Loop loop;
  Loop other;
  Log log;
  const Future<int> future(other);
  create_task(tell(&log, future), loop);
  loop.call_later(10s, [&] { loop.stop(); });
  loop.run_until_idle();
  CHECK(log == Log{"refused", "goes on"});
  future.set_result(1);
  other.run_until_idle();
  CHECK(log.size() == 2);
}

TEST_CASE("awaiting_futures: it comes as an answer does, after the others") {
  Loop loop;
  Loop other;
  Log log;
  create_task(tell(&log, Future<int>(other)), loop);
  loop.call_soon([&] { log.push_back("others"); });
  loop.run_until_idle();
  CHECK(log == Log{"others", "refused", "goes on"});
}

Coroutine<> drops(Log* log, Future<int> future) {
  co_await future;
  log->push_back("not reached");
}

TEST_CASE("awaiting_futures: one that is gone is not called") {
  const auto future = std::make_unique<std::optional<Future<int>>>();
  Log log;
  {
    Loop loop;
    future->emplace(loop);
    create_task(drops(&log, **future), loop);
    loop.run_once();
    loop.close();
    (*future)->set_result(1);
  }
  CHECK(log.empty());
}

Coroutine<> both(Log* log, Future<int> one, Future<int> two) {
  const int sum = co_await one + co_await two;
  log->push_back(std::to_string(sum));
}

TEST_CASE("awaiting_futures: two in one expression") {
  Loop loop;
  Log log;
  const Future<int> one(loop);
  const Future<int> two(loop);
  create_task(both(&log, one, two), loop);
  loop.call_later(1s, [two] { two.set_result(2); });
  loop.call_later(2s, [one] { one.set_result(40); });
  loop.run_until_idle();
  CHECK(log == Log{"42"});
  CHECK(loop.time() == 2s);
}

Coroutine<int> waits_inside(Future<int> future) { co_return co_await future; }

Coroutine<> awaits_inner(Log* log, std::unique_ptr<Coroutine<int>>* inner) {
  try {
    co_await **inner;
    log->push_back("there");
  } catch (const std::logic_error& error) {
    log->push_back(error.what());
  }
  // Nobody wakes it twice.
  co_await sleep(1s);
  log->push_back("slept");
}

TEST_CASE("awaiting_futures: a coroutine that is destroyed while awaited") {
  Loop loop;
  Log log;
  const Future<int> future(loop);
  std::unique_ptr<Coroutine<int>> inner;
  inner = std::make_unique<Coroutine<int>>(waits_inside(future));
  create_task(awaits_inner(&log, &inner), loop);
  SUBCASE("while it waits") {
    loop.call_soon([&] { inner.reset(); });
  }
  SUBCASE("before the future is set") {
    loop.call_soon([&] {
      inner.reset();
      future.set_result(1);
    });
  }
  SUBCASE("after the future was set, and before it has heard of it") {
    loop.call_soon([&] {
      future.set_result(1);
      inner.reset();
    });
  }
  loop.run_until_idle();
  CHECK(log == Log{"awaited generator was destroyed", "slept"});
  CHECK(loop.time() == 1s);
}

Coroutine<> sleeps_inside() { co_await sleep(1h); }

Coroutine<> awaits_sleep(Log* log, std::unique_ptr<Coroutine<>>* inner) {
  try {
    co_await **inner;
  } catch (const std::logic_error& error) {
    log->push_back(error.what());
  }
  co_await sleep(1s);
  log->push_back("slept");
}

TEST_CASE("awaiting_futures: one that sleeps, in each round that it may be") {
  for (int round = 0; round < 5; ++round) {
    Loop loop;
    Log log;
    std::unique_ptr<Coroutine<>> inner;
    inner = std::make_unique<Coroutine<>>(sleeps_inside());
    create_task(awaits_sleep(&log, &inner), loop);
    for (int i = 0; i <= round; ++i) {
      loop.call_soon([] {});
      loop.run_once();
    }
    inner.reset();
    loop.run_until_idle();
    CHECK(log == Log{"awaited generator was destroyed", "slept"});
    CHECK(loop.time() == 1s);
  }
}

Coroutine<> awaits_state(Log* log, FutureState<int>* future) {
  try {
    log->push_back(std::to_string(co_await *future));
  } catch (const std::logic_error& error) {
    log->push_back(error.what());
  }
}

TEST_CASE("awaiting_futures: a future that is destroyed while awaited") {
  Loop loop;
  Log log;
  auto future = std::make_unique<FutureState<int>>(loop);
  create_task(awaits_state(&log, future.get()), loop);
  create_task(awaits_state(&log, future.get()), loop);
  SUBCASE("pending") {
    loop.call_soon([&] { future.reset(); });
  }
  SUBCASE("done, and before anybody has heard of it") {
    loop.call_soon([&] {
      future->set_result(1);
      future.reset();
    });
  }
  loop.run_until_idle();
  CHECK(log == Log{"awaited future was destroyed",
                   "awaited future was destroyed"});
}

TEST_CASE("awaiting_futures: those who wait and callbacks, first come") {
  Loop loop;
  Log log;
  const Future<int> future(loop);
  future.add_done_callback([&] { log.push_back("callback 1"); });
  create_task(waiter(&log, "a", future), loop);
  create_task(waiter(&log, "b", future), loop);
  loop.run_once();
  future.add_done_callback([&] { log.push_back("callback 2"); });
  create_task(waiter(&log, "c", future), loop);
  loop.run_once();
  log.clear();
  future.set_result(7);
  loop.run_until_idle();
  CHECK(log == Log{"callback 1", "a has 7", "b has 7", "callback 2",
                   "c has 7"});
}

Coroutine<> says_its_number(
    Log* log, std::unique_ptr<Coroutine<int>>* inner, std::size_t number) {
  try {
    co_await **inner;
    log->push_back(std::to_string(number));
  } catch (const std::logic_error& error) {
    log->push_back(error.what());
  }
}

TEST_CASE("awaiting_futures: whoever leaves, the others keep their order") {
  // Bit i says whether task i has left before the future is set.
  for (unsigned gone = 0; gone < 32; ++gone) {
    Loop loop;
    Log log;
    Log expected;
    Log others;
    const Future<int> future(loop);
    std::vector<std::unique_ptr<Coroutine<int>>> inner;
    for (int i = 0; i < 5; ++i) {
      inner.push_back(
          std::make_unique<Coroutine<int>>(waits_inside(future)));
    }
    for (std::size_t i = 0; i < inner.size(); ++i) {
      create_task(says_its_number(&log, &inner[i], i), loop);
    }
    loop.run_once();
    for (std::size_t i = 0; i < inner.size(); ++i) {
      if (gone & (1u << i)) {
        inner[i].reset();
        expected.push_back("awaited generator was destroyed");
      } else {
        others.push_back(std::to_string(i));
      }
    }
    loop.call_soon([] {});
    loop.run_once();
    CHECK(log == expected);
    log.clear();
    future.set_result(1);
    loop.run_until_idle();
    CHECK(log == others);
  }
}

Coroutine<> counts(int* woken, Future<> future) {
  co_await future;
  ++*woken;
}

TEST_CASE("awaiting_futures: no memory to wake one wakes the others") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    EventLoop loop;
    // One may be left that waits for ever.
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    const Future<> future(loop);
    int woken = 0;
    // More than the queue has places for: one at a time has come so far.
    for (int i = 0; i < 100; ++i) {
      create_task(counts(&woken, future), loop);
      loop.run_once();
    }
    int lost = 0;
    try {
      const FailingAllocation failing(k);
      future.set_result();
      has_failed = failing.has_failed();
    } catch (const std::bad_alloc&) {
      lost = 1;
    }
    CHECK(future.done());
    loop.run_once();
    CHECK(woken == 100 - lost);
  }
}

}  // namespace test_awaiting_futures
