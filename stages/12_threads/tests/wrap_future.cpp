#include <exception>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_wrap_future {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

template <class T>
Coroutine<T> wraps(concurrent::Future<T> source) {
  const auto future = wrap_future(source);
  co_return co_await future;
}

TEST_CASE("wrap_future: the result of another thread") {
  const concurrent::Future<int> source;
  std::thread thread([source] { source.set_result(42); });
  CHECK(run(wraps(source)) == 42);
  thread.join();
}

TEST_CASE("wrap_future: one that is done already, and nothing for a result") {
  const concurrent::Future<> source;
  source.set_result(None);
  run(wraps(source));
  EventLoop loop;
  const Future<> future = wrap_future(source, loop);
  CHECK_FALSE(future.done());
  loop.run_until_idle();
  CHECK(future.done());
}

TEST_CASE("wrap_future: an exception") {
  const concurrent::Future<int> source;
  std::thread thread([source] {
    source.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
  });
  CHECK_THROWS_WITH_AS(run(wraps(source)), "broken", std::runtime_error);
  thread.join();
}

TEST_CASE("wrap_future: cancelled there is cancelled here") {
  EventLoop loop;
  const concurrent::Future<int> source;
  const Future<int> future = wrap_future(source, loop);
  std::thread([source] { source.cancel(); }).join();
  loop.run_until_idle();
  CHECK(future.cancelled());
}

TEST_CASE("wrap_future: to throw a CancelledError is to throw, as in CPython") {
  EventLoop loop;
  const concurrent::Future<> source;
  const Future<> future = wrap_future(source, loop);
  source.set_exception(std::make_exception_ptr(concurrent::CancelledError()));
  loop.run_until_idle();
  CHECK_FALSE(future.cancelled());
  CHECK_THROWS_AS(future.result(), CancelledError);
}

TEST_CASE("wrap_future: cancelled here is cancelled there, if in time") {
  for (const bool begun : {false, true}) {
    Log errors;
    EventLoop loop;
    loop.set_exception_handler(
        [&](const std::string& message, std::exception_ptr) {
          errors.push_back(message);
        });
    const concurrent::Future<int> source;
    if (begun) {
      source.set_running_or_notify_cancel();
    }
    const Future<int> future = wrap_future(source, loop);
    CHECK(future.cancel());
    loop.run_once();
    CHECK(source.cancelled() == !begun);
    if (begun) {
      // It comes to its end, and disturbs nobody.
      std::thread([source] { source.set_result(42); }).join();
      CHECK(source.result() == 42);
    }
    loop.run_until_idle();
    CHECK(future.cancelled());
    CHECK(errors == Log{});
  }
}

TEST_CASE("wrap_future: what cannot be copied") {
  const concurrent::Future<std::unique_ptr<int>> source;
  std::thread thread([source] {
    source.set_result(std::make_unique<int>(42));
  });
  CHECK(*run(wraps(source)) == 42);
  thread.join();
}

TEST_CASE("wrap_future: a loop is not idle before the thread is done") {
  EventLoop loop;
  const concurrent::Future<> source;
  wrap_future(source, loop);
  bool called = false;
  std::binary_semaphore go_on(0);
  std::thread thread([&] {
    go_on.acquire();
    called = true;
    source.set_result(None);
  });
  loop.call_soon([&] { go_on.release(); });
  loop.run_until_idle();
  CHECK(called);
  thread.join();
}

// ---- Who dies first ----

/// Notes in which thread it dies.
struct Witness {
  explicit Witness(std::thread::id* noted) : thread(noted) {}
  ~Witness() { *thread = std::this_thread::get_id(); }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;

  std::thread::id* thread;
};

TEST_CASE("wrap_future: the future; it dies in the loop's thread") {
  EventLoop loop;
  std::thread::id died_in;
  const concurrent::Future<int> source;
  {
    const auto witness = std::make_shared<Witness>(&died_in);
    wrap_future(source, loop).add_done_callback([witness] {});
  }
  std::thread([source] { source.set_result(42); }).join();
  CHECK((died_in == std::thread::id()));
  loop.run_until_idle();
  CHECK((died_in == std::this_thread::get_id()));
}

TEST_CASE("wrap_future: an exception that nobody asks for is reported") {
  EventLoop loop;
  Log log;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr error) {
        log.push_back(message + ": " + describe(error));
      });
  const concurrent::Future<int> source;
  wrap_future(source, loop);
  std::thread([source] {
    source.set_exception(std::make_exception_ptr(std::runtime_error("broken")));
  }).join();
  loop.run_until_idle();
  CHECK(log == Log{"Future exception was never retrieved: broken"});
}

TEST_CASE("wrap_future: the loop, before the thread is done") {
  auto loop = std::make_unique<EventLoop>();
  std::binary_semaphore go_on(0);
  const concurrent::Future<int> source;
  const Future<int> future = wrap_future(source, *loop);
  std::thread thread([&] {
    go_on.acquire();
    source.set_result(42);
  });
  loop = nullptr;
  go_on.release();
  thread.join();
  CHECK(source.result() == 42);
  CHECK_FALSE(future.done());
}

TEST_CASE("wrap_future: the loop, with the result on its way") {
  EventLoop loop;
  const auto owned = std::make_shared<int>(1);
  {
    const concurrent::Future<std::shared_ptr<int>> source;
    wrap_future(source, loop);
    source.set_result(owned);
  }
  CHECK(owned.use_count() == 2);
  loop.close();
  CHECK(owned.use_count() == 1);
}

TEST_CASE("wrap_future: the source, whose last owner is a thread") {
  EventLoop loop;
  auto source = std::make_unique<concurrent::Future<int>>();
  const Future<int> future = wrap_future(*source, loop);
  std::thread([last = std::move(source)]() mutable {
    last->set_result(42);
    last = nullptr;
  }).join();
  loop.run_until_idle();
  CHECK(future.result() == 42);
}

TEST_CASE("wrap_future: a coroutine that waits, with its loop") {
  const concurrent::Future<int> source;
  {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    create_task(wraps(source), loop);
    loop.run_once();
  }
  CHECK_FALSE(source.done());
  std::thread([source] { source.set_result(42); }).join();
}

TEST_CASE("wrap_future: the loop closes while threads set, or cancel") {
  constexpr int threads = 4;
  const int tries = under_valgrind() ? 3 : 40;
  for (int i = 0; i < tries; ++i) {
    auto loop = std::make_unique<EventLoop>();
    std::latch start(threads + 1);
    std::vector<concurrent::Future<std::string>> sources(threads * 8);
    std::vector<Future<std::string>> futures;
    for (const auto& source : sources) {
      futures.push_back(wrap_future(source, *loop));
    }
    std::vector<std::thread> setting;
    for (std::size_t thread = 0; thread < threads; ++thread) {
      setting.emplace_back([&, thread] {
        start.arrive_and_wait();
        for (auto k = thread; k < sources.size(); k += threads) {
          if (k % 8 == 0) {
            sources[k].cancel();
          } else {
            sources[k].set_result("a result of some length, on the heap");
          }
        }
      });
    }
    start.arrive_and_wait();
    if (i % 2 == 0) {
      loop->run_once();
    }
    loop = nullptr;
    for (std::thread& thread : setting) {
      thread.join();
    }
  }
}

TEST_CASE("wrap_future: cancelled here while a thread begins it") {
  const int tries = under_valgrind() ? 5 : 100;
  EventLoop loop;
  for (int i = 0; i < tries; ++i) {
    const concurrent::Future<int> source;
    const Future<int> future = wrap_future(source, loop);
    std::latch start(2);
    std::thread thread([&] {
      start.arrive_and_wait();
      if (source.set_running_or_notify_cancel()) {
        source.set_result(42);
      }
    });
    start.arrive_and_wait();
    future.cancel();
    loop.run_until_idle();
    thread.join();
    loop.run_until_idle();
    CHECK(future.cancelled());
    CHECK(source.done());
  }
}

}  // namespace test_wrap_future
