#include <array>
#include <atomic>
#include <barrier>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_thread_pool {

using namespace asyncio;
using namespace std::chrono_literals;
using concurrent::ThreadPoolExecutor;
using Log = std::vector<std::string>;

int add(int one, int other) { return one + other; }

TEST_CASE("thread_pool: a call in another thread") {
  ThreadPoolExecutor executor;
  CHECK(executor.submit(add, 1, 2).result() == 3);
  CHECK((executor.submit(std::this_thread::get_id).result()
         != std::this_thread::get_id()));
}

TEST_CASE("thread_pool: it returns nothing, or throws") {
  ThreadPoolExecutor executor(1);
  bool called = false;
  executor.submit([&] { called = true; }).result();
  CHECK(called);
  const auto fails = executor.submit([] {
    throw std::runtime_error("broken");
  });
  CHECK_THROWS_WITH_AS(fails.result(), "broken", std::runtime_error);
  const auto odd = executor.submit([]() -> int { throw 42; });
  CHECK_THROWS_AS(odd.result(), int);
}

TEST_CASE("thread_pool: functions, arguments, results that only move") {
  ThreadPoolExecutor executor(1);
  const auto future = executor.submit(
      [seven = std::make_unique<int>(7)](std::unique_ptr<int> other) {
        return std::make_unique<int>(*seven + *other);
      },
      std::make_unique<int>(5));
  CHECK(*future.result() == 12);
}

TEST_CASE("thread_pool: a method, and the object that it belongs to") {
  ThreadPoolExecutor executor(1);
  CHECK(executor.submit(&std::string::size, std::string("four")).result() == 4);
}

TEST_CASE("thread_pool: what the call owns is gone with its end") {
  ThreadPoolExecutor executor(1);
  const auto owned = std::make_shared<int>(1);
  executor.submit([owned] {}).result();
  CHECK(owned.use_count() == 1);
  CHECK_THROWS(executor.submit([owned] { throw 1; }).result());
  CHECK(owned.use_count() == 1);
}

TEST_CASE("thread_pool: at least one thread") {
  CHECK_THROWS_WITH_AS(ThreadPoolExecutor(0),
                       "max_workers must be greater than 0",
                       std::invalid_argument);
  CHECK(ThreadPoolExecutor::default_workers() >= 5);
  CHECK(ThreadPoolExecutor::default_workers() <= 32);
}

TEST_CASE("thread_pool: so many at once, and no more") {
  constexpr int workers = 3;
  constexpr int rounds = 20;
  ThreadPoolExecutor executor(workers);
  // Fewer than three at once, and they would wait here for ever.
  std::barrier together(workers);
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::atomic<int> now = 0;
  std::atomic<int> most = 0;
  std::vector<concurrent::Future<>> futures;
  for (int i = 0; i < workers * rounds; ++i) {
    futures.push_back(executor.submit([&] {
      const int running = ++now;
      if (running > most) {
        most = running;
      }
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      together.arrive_and_wait();
      --now;
    }));
  }
  for (const auto& future : futures) {
    future.result();
  }
  CHECK(most <= workers);
  CHECK(threads.size() == workers);
}

TEST_CASE("thread_pool: one after the other, in order, with one thread") {
  ThreadPoolExecutor executor(1);
  Log log;
  for (const char* name : {"one", "two", "three"}) {
    executor.submit([&log, name] { log.push_back(name); });
  }
  executor.shutdown();
  CHECK(log == Log{"one", "two", "three"});
}

TEST_CASE("thread_pool: a call may submit another one") {
  ThreadPoolExecutor executor(1);
  const auto inner = executor.submit([&executor] {
    return executor.submit(add, 1, 2);
  }).result();
  CHECK(inner.result() == 3);
}

TEST_CASE("thread_pool: cancelled before it began, it is never called") {
  ThreadPoolExecutor executor(1);
  std::binary_semaphore began(0);
  std::binary_semaphore go_on(0);
  const auto owned = std::make_shared<int>(1);
  bool called = false;
  const auto first = executor.submit([&] {
    began.release();
    go_on.acquire();
    return 1;
  });
  const auto second = executor.submit([&, owned] { called = true; });
  began.acquire();
  CHECK(first.running());
  CHECK_FALSE(first.cancel());
  CHECK(second.cancel());
  CHECK_THROWS_AS(second.result(), concurrent::CancelledError);
  go_on.release();
  CHECK(first.result() == 1);
  executor.shutdown();
  CHECK_FALSE(called);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("thread_pool: what a cancelled call owns may submit another one") {
  ThreadPoolExecutor executor(1);
  std::binary_semaphore go_on(0);
  std::binary_semaphore submitted(0);
  std::optional<concurrent::Future<int>> other;
  executor.submit([&] { go_on.acquire(); });
  {
    const std::shared_ptr<void> owned(nullptr, [&](void*) {
      other = executor.submit(add, 1, 2);
      submitted.release();
    });
    CHECK(executor.submit([owned] {}).cancel());
  }
  go_on.release();
  submitted.acquire();
  CHECK(other->result() == 3);
}

TEST_CASE("thread_pool: 8 threads submit, and none is lost") {
  constexpr int threads = 8;
  const int calls = under_valgrind() ? 50 : 2'000;
  ThreadPoolExecutor executor(4);
  std::atomic<long> sum = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> submitting;
  for (int thread = 0; thread < threads; ++thread) {
    submitting.emplace_back([&] {
      for (int i = 0; i < calls; ++i) {
        const auto future = executor.submit([&sum, i] {
          sum += i;
          if (i % 10 == 0) {
            throw std::runtime_error("tenth " + std::to_string(i));
          }
        });
        if (i % 100 == 0) {
          try {
            future.result();
          } catch (const std::runtime_error& error) {
            failed += error.what() == "tenth " + std::to_string(i);
          }
        }
      }
    });
  }
  for (std::thread& thread : submitting) {
    thread.join();
  }
  executor.shutdown();
  CHECK(sum == threads * (long(calls) * (calls - 1) / 2));
  CHECK(failed == threads * ((calls + 99) / 100));
}

// ---- map ----

TEST_CASE("thread_pool: map, in order, whichever is ready first") {
  ThreadPoolExecutor executor(3);
  // The last one lets the others go on, from the last to the first.
  std::array<std::binary_semaphore, 3> go{
      std::binary_semaphore(0), std::binary_semaphore(0),
      std::binary_semaphore(1)};
  auto results = executor.map(
      [&](std::size_t i) {
        go[i].acquire();
        if (i > 0) {
          go[i - 1].release();
        }
        return std::to_string(i);
      },
      std::vector<std::size_t>{0, 1, 2});
  Log log;
  while (auto result = results.next()) {
    log.push_back(*result);
  }
  CHECK(log == Log{"0", "1", "2"});
}

TEST_CASE("thread_pool: map throws where the result would be") {
  ThreadPoolExecutor executor(1);
  auto results = executor.map(
      [](int i) {
        if (i == 2) {
          throw std::runtime_error("two");
        }
        return i;
      },
      std::vector<int>{1, 2, 3});
  CHECK(results.next() == 1);
  CHECK_THROWS_WITH_AS(results.next(), "two", std::runtime_error);
  CHECK_FALSE(results.next());
}

TEST_CASE("thread_pool: map over what moves, of what returns nothing") {
  ThreadPoolExecutor executor(2);
  std::atomic<int> sum = 0;
  std::vector<std::unique_ptr<int>> values;
  values.push_back(std::make_unique<int>(1));
  values.push_back(std::make_unique<int>(2));
  auto results = executor.map(
      [&](std::unique_ptr<int> value) { sum += *value; }, std::move(values));
  int count = 0;
  while (results.next()) {
    ++count;
  }
  CHECK(count == 2);
  CHECK(sum == 3);
}

TEST_CASE("thread_pool: map begins before anyone asks, and close() cancels") {
  ThreadPoolExecutor executor(1);
  std::binary_semaphore began(0);
  std::binary_semaphore go_on(0);
  std::atomic<int> called = 0;
  auto results = executor.map(
      [&](int i) {
        if (++called == 2) {
          began.release();
          go_on.acquire();
        }
        return i;
      },
      std::vector<int>{1, 2, 3, 4});
  began.acquire();
  CHECK(results.next() == 1);
  results.close();
  go_on.release();
  executor.shutdown();
  CHECK(called == 2);
}

// ---- The end ----

TEST_CASE("thread_pool: shutdown waits for those in the queue, too") {
  ThreadPoolExecutor executor(1);
  std::atomic<int> called = 0;
  for (int i = 0; i < 100; ++i) {
    executor.submit([&] { ++called; });
  }
  executor.shutdown();
  CHECK(called == 100);
  CHECK_THROWS_WITH_AS(executor.submit(add, 1, 2),
                       "cannot schedule new futures after shutdown",
                       std::runtime_error);
  executor.shutdown();
}

TEST_CASE("thread_pool: so does its destructor; a future may outlive it") {
  std::atomic<int> called = 0;
  std::optional<concurrent::Future<int>> last;
  {
    ThreadPoolExecutor executor(2);
    for (int i = 0; i < 100; ++i) {
      last = executor.submit([&called] { return ++called; });
    }
  }
  CHECK(called == 100);
  CHECK(last->result() > 0);
}

TEST_CASE("thread_pool: two calls wake two threads, every time") {
  ThreadPoolExecutor executor(2);
  for (int round = 0; round < (under_valgrind() ? 50 : 2'000); ++round) {
    std::binary_semaphore first(0);
    std::binary_semaphore second(0);
    // Each waits for the other, so two threads must be awake.
    const auto one = executor.submit([&] {
      first.release();
      return second.try_acquire_for(20s);
    });
    const auto other = executor.submit([&] {
      second.release();
      return first.try_acquire_for(20s);
    });
    REQUIRE(one.result());
    REQUIRE(other.result());
  }
}

TEST_CASE("thread_pool: a second shutdown waits as the first one does") {
  ThreadPoolExecutor executor(1);
  std::binary_semaphore go_on(0);
  const auto call = executor.submit([&] { go_on.acquire(); });
  std::thread first([&] { executor.shutdown(); });
  const auto is_shut_down = [&] {
    try {
      executor.submit([] {});
    } catch (const std::runtime_error&) {
      return true;
    }
    std::this_thread::yield();
    return false;
  };
  while (!is_shut_down()) {
  }
  ThreadPoolExecutor other(1);
  const auto second = other.submit([&] { executor.shutdown(); });
  // It cannot end, so only a fault is ever in time.
  CHECK_THROWS_AS(second.result(50ms), TimeoutError);
  go_on.release();
  second.result();
  CHECK(call.done());
  first.join();
}

TEST_CASE("thread_pool: shutdown(false) does not wait") {
  ThreadPoolExecutor executor(1);
  std::binary_semaphore go_on(0);
  const auto first = executor.submit([&] { go_on.acquire(); });
  const auto second = executor.submit(add, 1, 2);
  executor.shutdown(false);
  CHECK_FALSE(second.done());
  go_on.release();
  CHECK(second.result() == 3);
}

TEST_CASE("thread_pool: or cancels what has not begun") {
  ThreadPoolExecutor executor(1);
  std::binary_semaphore began(0);
  std::binary_semaphore go_on(0);
  const auto owned = std::make_shared<int>(1);
  const auto first = executor.submit([&] {
    began.release();
    go_on.acquire();
    return 1;
  });
  const auto second = executor.submit([owned] { return 2; });
  began.acquire();
  executor.shutdown(false, true);
  CHECK(second.cancelled());
  CHECK(owned.use_count() == 1);
  CHECK_FALSE(first.done());
  go_on.release();
  executor.shutdown();
  CHECK(first.result() == 1);
}

TEST_CASE("thread_pool: shut down while others submit") {
  constexpr int threads = 3;
  const int tries = under_valgrind() ? 2 : 20;
  const int most = under_valgrind() ? 100 : 1'000;
  for (int i = 0; i < tries; ++i) {
    ThreadPoolExecutor executor(2);
    std::atomic<long> taken = 0;
    std::atomic<long> called = 0;
    std::latch submitting(threads);
    std::vector<std::thread> callers;
    for (int thread = 0; thread < threads; ++thread) {
      callers.emplace_back([&] {
        submitting.arrive_and_wait();
        try {
          for (int call = 0; call < most; ++call) {
            executor.submit([&] { ++called; });
            ++taken;
          }
        } catch (const std::runtime_error&) {
        }
      });
    }
    submitting.wait();
    executor.submit([] {}).result();
    executor.shutdown();
    for (std::thread& caller : callers) {
      caller.join();
    }
    CHECK(called == taken);
  }
}

}  // namespace test_thread_pool
