#include <atomic>
#include <exception>
#include <latch>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_concurrent_future {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

TEST_CASE("concurrent_future: pending, running, done") {
  const concurrent::Future<int> future;
  CHECK_FALSE(future.running());
  CHECK_FALSE(future.done());
  CHECK(future.set_running_or_notify_cancel());
  CHECK(future.running());
  CHECK_FALSE(future.done());
  future.set_result(42);
  CHECK_FALSE(future.running());
  CHECK(future.done());
  CHECK_FALSE(future.cancelled());
  CHECK(future.result() == 42);
  CHECK(future.result() == 42);
  CHECK(future.exception() == nullptr);
}

TEST_CASE("concurrent_future: copies stand for the same") {
  std::optional<concurrent::Future<std::string>> one(std::in_place);
  const concurrent::Future<std::string> other = *one;
  one->set_result("result");
  one.reset();
  CHECK(other.result() == "result");
}

TEST_CASE("concurrent_future: an exception") {
  const concurrent::Future<> future;
  future.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
  CHECK(future.done());
  CHECK_THROWS_WITH_AS(future.result(), "broken", std::runtime_error);
  CHECK_THROWS_AS(future.result(), std::runtime_error);
  CHECK(describe(future.exception()) == "broken");
}

TEST_CASE("concurrent_future: cancelled before it began") {
  const concurrent::Future<int> future;
  CHECK(future.cancel());
  CHECK(future.cancel());
  CHECK(future.cancelled());
  CHECK(future.done());
  CHECK_FALSE(future.set_running_or_notify_cancel());
  CHECK_THROWS_AS(future.result(), concurrent::CancelledError);
  CHECK_THROWS_AS(future.exception(), concurrent::CancelledError);
  CHECK_THROWS_AS(future.set_result(1), InvalidStateError);
}

TEST_CASE("concurrent_future: not once it has begun, or is done") {
  const concurrent::Future<int> future;
  future.set_running_or_notify_cancel();
  CHECK_FALSE(future.cancel());
  CHECK_FALSE(future.cancelled());
  future.set_result(1);
  CHECK_FALSE(future.cancel());
  CHECK(future.result() == 1);
}

TEST_CASE("concurrent_future: done once, begun once") {
  const concurrent::Future<int> future;
  future.set_running_or_notify_cancel();
  CHECK_THROWS_WITH_AS(future.set_running_or_notify_cancel(),
                       "Future in unexpected state", InvalidStateError);
  future.set_result(1);
  CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
  CHECK_THROWS_AS(future.set_exception(nullptr), InvalidStateError);
  CHECK(future.result() == 1);
}

TEST_CASE("concurrent_future: does not wait longer than it was told") {
  const concurrent::Future<int> future;
  CHECK_THROWS_AS(future.result(0s), TimeoutError);
  CHECK_THROWS_AS(future.result(-1s), TimeoutError);
  CHECK_THROWS_AS(future.exception(1ms), TimeoutError);
  CHECK_FALSE(future.done());
}

TEST_CASE("concurrent_future: waits, for ever if it must") {
  const Seconds infinite(std::numeric_limits<double>::infinity());
  for (const std::optional<Seconds> timeout :
       {std::optional<Seconds>(), std::optional<Seconds>(1h),
        std::optional<Seconds>(1e300), std::optional<Seconds>(infinite)}) {
    const concurrent::Future<int> future;
    std::thread thread([future] { future.set_result(42); });
    CHECK(future.result(timeout) == 42);
    thread.join();
  }
}

TEST_CASE("concurrent_future: all who wait hear of it") {
  constexpr int waiters = 4;
  for (const bool cancelled : {false, true}) {
    const concurrent::Future<int> future;
    std::latch waiting(waiters);
    std::atomic<int> results = 0;
    std::atomic<int> cancellations = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < waiters; ++i) {
      threads.emplace_back([&, future] {
        waiting.count_down();
        try {
          results += future.result();
        } catch (const concurrent::CancelledError&) {
          ++cancellations;
        }
      });
    }
    waiting.wait();
    if (cancelled) {
      future.cancel();
    } else {
      future.set_result(1);
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    CHECK(results == (cancelled ? 0 : waiters));
    CHECK(cancellations == (cancelled ? waiters : 0));
  }
}

TEST_CASE("concurrent_future: what cannot be copied moves out, once") {
  const concurrent::Future<std::unique_ptr<int>> future;
  future.set_result(std::make_unique<int>(7));
  CHECK(*future.result() == 7);
  CHECK(future.exception() == nullptr);
  CHECK_THROWS_WITH_AS(future.result(), "the result was moved out already",
                       InvalidStateError);
}

// ---- Callbacks ----

TEST_CASE("concurrent_future: callbacks, in order, in the thread that sets") {
  const concurrent::Future<int> future;
  Log log;
  std::thread::id called_in;
  future.add_done_callback([&](const concurrent::Future<int>& done) {
    called_in = std::this_thread::get_id();
    log.push_back("first " + std::to_string(done.result()));
  });
  future.add_done_callback([&](const auto&) { log.push_back("second"); });
  CHECK(log == Log{});
  std::thread thread([&] { future.set_result(42); });
  const std::thread::id setter = thread.get_id();
  thread.join();
  CHECK(log == Log{"first 42", "second"});
  CHECK((called_in == setter));
}

TEST_CASE("concurrent_future: a callback that comes late is called at once") {
  const concurrent::Future<> future;
  future.set_result(None);
  bool called = false;
  future.add_done_callback([&](const auto&) { called = true; });
  CHECK(called);
}

TEST_CASE("concurrent_future: cancel() calls them, and once only") {
  const concurrent::Future<> future;
  int called = 0;
  future.add_done_callback([&](const concurrent::Future<>& done) {
    called += done.cancelled();
  });
  future.cancel();
  future.cancel();
  future.set_running_or_notify_cancel();
  CHECK(called == 1);
}

TEST_CASE("concurrent_future: one that throws does not keep off the others") {
  const concurrent::Future<> future;
  bool called = false;
  future.add_done_callback([](const auto&) {
    throw std::runtime_error("this line belongs to the test");
  });
  future.add_done_callback([&](const auto&) { called = true; });
  future.set_result(None);
  CHECK(called);
}

TEST_CASE("concurrent_future: a callback may ask, and may add another one") {
  const concurrent::Future<int> future;
  Log log;
  future.add_done_callback([&](const concurrent::Future<int>& done) {
    done.add_done_callback([&](const auto&) { log.push_back("inner"); });
    log.push_back(std::to_string(done.result()));
  });
  future.set_result(42);
  CHECK(log == Log{"inner", "42"});
}

TEST_CASE("concurrent_future: what a callback owns goes with its call") {
  const auto owned = std::make_shared<int>(1);
  const concurrent::Future<> future;
  // A cycle until then.
  future.add_done_callback([owned, future](const auto&) {});
  CHECK(owned.use_count() == 2);
  future.set_result(None);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("concurrent_future: added while it is set, each is called once") {
  constexpr int threads = 4;
  constexpr int callbacks = 100;
  const int tries = under_valgrind() ? 2 : 20;
  for (int i = 0; i < tries; ++i) {
    const concurrent::Future<int> future;
    std::atomic<int> called = 0;
    std::latch start(threads + 1);
    std::vector<std::thread> adding;
    for (int thread = 0; thread < threads; ++thread) {
      adding.emplace_back([&, future] {
        start.arrive_and_wait();
        for (int k = 0; k < callbacks; ++k) {
          future.add_done_callback([&](const concurrent::Future<int>& done) {
            called += done.result();
          });
        }
      });
    }
    start.arrive_and_wait();
    future.set_result(1);
    for (std::thread& thread : adding) {
      thread.join();
    }
    CHECK(called == threads * callbacks);
  }
}

TEST_CASE("concurrent_future: begun or cancelled, never both") {
  const int tries = under_valgrind() ? 10 : 100;
  for (int i = 0; i < tries; ++i) {
    const concurrent::Future<int> future;
    std::latch start(2);
    bool cancelled = false;
    std::thread thread([&] {
      start.arrive_and_wait();
      cancelled = future.cancel();
    });
    start.arrive_and_wait();
    const bool runs = future.set_running_or_notify_cancel();
    thread.join();
    CHECK(runs != cancelled);
  }
}

}  // namespace test_concurrent_future
