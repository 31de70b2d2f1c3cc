#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_run_coroutine_threadsafe {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// Runs a loop while another thread does something.
void beside(EventLoop& loop, const std::function<void()>& function) {
  std::thread thread([&] {
    function();
    loop.call_soon_threadsafe([&] { loop.stop(); });
  });
  loop.run_forever();
  thread.join();
}

Coroutine<int> add(int one, int other) {
  co_await sleep(1ms);
  co_return one + other;
}

TEST_CASE("run_coroutine_threadsafe: a thread waits for a coroutine") {
  EventLoop loop;
  int result = 0;
  beside(loop, [&] {
    result = run_coroutine_threadsafe(add(1, 2), loop).result();
  });
  CHECK(result == 3);
}

Coroutine<std::thread::id> which_thread() {
  co_await sleep(0s);
  co_return std::this_thread::get_id();
}

TEST_CASE("run_coroutine_threadsafe: it runs in the loop's thread") {
  EventLoop loop;
  std::thread::id thread;
  beside(loop, [&] {
    thread = run_coroutine_threadsafe(which_thread(), loop).result();
  });
  CHECK((thread == std::this_thread::get_id()));
}

Coroutine<> fails() {
  co_await sleep(0s);
  throw std::runtime_error("broken");
}

TEST_CASE("run_coroutine_threadsafe: an exception") {
  EventLoop loop;
  beside(loop, [&] {
    const auto future = run_coroutine_threadsafe(fails(), loop);
    CHECK_THROWS_WITH_AS(future.result(), "broken", std::runtime_error);
  });
}

Coroutine<std::unique_ptr<int>> makes(std::unique_ptr<int> value) {
  co_await sleep(0s);
  co_return std::move(value);
}

TEST_CASE("run_coroutine_threadsafe: what only moves") {
  EventLoop loop;
  beside(loop, [&] {
    auto seven = std::make_unique<int>(7);
    CHECK(*run_coroutine_threadsafe(makes(std::move(seven)), loop).result()
          == 7);
  });
}

Coroutine<> notes(Log* log, std::string text) {
  log->push_back(std::move(text));
  co_return;
}

TEST_CASE("run_coroutine_threadsafe: they begin in order, wanted or not") {
  EventLoop loop;
  Log log;
  beside(loop, [&] {
    run_coroutine_threadsafe(notes(&log, "one"), loop);
    run_coroutine_threadsafe(notes(&log, "two"), loop);
    run_coroutine_threadsafe(notes(&log, "three"), loop).result();
  });
  CHECK(log == Log{"one", "two", "three"});
}

TEST_CASE("run_coroutine_threadsafe: from the loop's thread, begun later") {
  EventLoop loop;
  Log log;
  const auto future = run_coroutine_threadsafe(notes(&log, "one"), loop);
  CHECK(log.empty());
  loop.run_until_idle();
  CHECK(log == Log{"one"});
  CHECK(future.done());
}

Coroutine<> counts(long* counter) {
  const long before = *counter;
  *counter = before + 1;
  co_return;
}

TEST_CASE("run_coroutine_threadsafe: many threads, one counter, no lock") {
  constexpr int threads = 4;
  const int calls = under_valgrind() ? 50 : 1'000;
  EventLoop loop;
  long counter = 0;
  beside(loop, [&] {
    std::vector<std::thread> counting;
    for (int i = 0; i < threads; ++i) {
      counting.emplace_back([&] {
        for (int call = 0; call < calls; ++call) {
          run_coroutine_threadsafe(counts(&counter), loop).result();
        }
      });
    }
    for (std::thread& thread : counting) {
      thread.join();
    }
  });
  CHECK(counter == long(threads) * calls);
}

// ---- Cancelled ----

Coroutine<> sleeps(Log* log, std::binary_semaphore* began) {
  try {
    began->release();
    co_await sleep(1h);
  } catch (const CancelledError&) {
    log->push_back("cancelled");
    throw;
  }
}

TEST_CASE("run_coroutine_threadsafe: to cancel the future cancels the task") {
  EventLoop loop;
  Log log;
  std::binary_semaphore began(0);
  beside(loop, [&] {
    const auto future = run_coroutine_threadsafe(sleeps(&log, &began), loop);
    began.acquire();
    CHECK_THROWS_AS(future.result(0s), TimeoutError);
    CHECK(future.cancel());
    CHECK_THROWS_AS(future.result(), concurrent::CancelledError);
  });
  loop.run_until_idle();
  CHECK(log == Log{"cancelled"});
}

TEST_CASE("run_coroutine_threadsafe: before it begins") {
  EventLoop loop;
  Log log;
  std::binary_semaphore began(0);
  const auto future = run_coroutine_threadsafe(sleeps(&log, &began), loop);
  CHECK(future.cancel());
  loop.run_until_idle();
  CHECK(all_tasks(loop).empty());
}

TEST_CASE("run_coroutine_threadsafe: as it ends") {
  Log errors;
  EventLoop loop;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) {
        errors.push_back(message);
      });
  for (int rounds = 0; rounds < 6; ++rounds) {
    Log log;
    const auto future = run_coroutine_threadsafe(notes(&log, "ran"), loop);
    for (int round = 0; round < rounds && !future.done(); ++round) {
      loop.run_once();
    }
    const bool done = future.done();
    CHECK(future.cancel() == !done);
    loop.run_until_idle();
  }
  CHECK(errors == Log{});
}

Coroutine<> cancels_itself() {
  current_task().cancel();
  co_await sleep(1h);
}

TEST_CASE("run_coroutine_threadsafe: a task that is cancelled") {
  EventLoop loop;
  beside(loop, [&] {
    const auto future = run_coroutine_threadsafe(cancels_itself(), loop);
    CHECK_THROWS_AS(future.result(), concurrent::CancelledError);
    CHECK(future.cancelled());
  });
}

TEST_CASE("run_coroutine_threadsafe: cancelled by a thread at any moment") {
  const int tries = under_valgrind() ? 5 : 200;
  EventLoop loop;
  int failed = 0;
  loop.set_exception_handler([&](const std::string&, std::exception_ptr) {
    ++failed;
  });
  beside(loop, [&] {
    for (int i = 0; i < tries; ++i) {
      Log log;
      const auto future = run_coroutine_threadsafe(notes(&log, "ran"), loop);
      future.cancel();
      // The next one comes behind whatever that has posted.
      run_coroutine_threadsafe(notes(&log, "next"), loop).result();
      CHECK(log.back() == "next");
    }
  });
  CHECK(failed == 0);
}

// ---- Who dies first ----

TEST_CASE("run_coroutine_threadsafe: the loop, so the coroutine never begins") {
  auto loop = std::make_unique<EventLoop>();
  Log log;
  const auto owned = std::make_shared<int>(1);
  const auto coroutine = [](Log* to, std::shared_ptr<int>) -> Coroutine<> {
    to->push_back("began");
    co_return;
  };
  const auto future =
      run_coroutine_threadsafe(coroutine(&log, owned), *loop);
  CHECK(owned.use_count() == 2);
  loop->close();
  CHECK(owned.use_count() == 1);
  CHECK(future.cancelled());
  CHECK_THROWS_AS(run_coroutine_threadsafe(coroutine(&log, owned), *loop),
                  std::logic_error);
  CHECK(owned.use_count() == 1);
  loop = nullptr;
  CHECK(log == Log{});
}

TEST_CASE("run_coroutine_threadsafe: the loop, while a thread waits") {
  auto loop = std::make_unique<EventLoop>();
  loop->set_exception_handler([](const std::string&, std::exception_ptr) {});
  Log log;
  std::binary_semaphore began(0);
  const auto future = run_coroutine_threadsafe(sleeps(&log, &began), *loop);
  bool cancelled = false;
  std::thread thread([&] {
    try {
      future.result();
    } catch (const concurrent::CancelledError&) {
      cancelled = true;
    }
  });
  loop->run_once();
  loop->run_once();
  began.acquire();
  loop = nullptr;
  thread.join();
  CHECK(cancelled);
}

TEST_CASE("run_coroutine_threadsafe: the future") {
  EventLoop loop;
  Log log;
  beside(loop, [&] {
    {
      const auto dropped = run_coroutine_threadsafe(notes(&log, "one"), loop);
    }
    run_coroutine_threadsafe(notes(&log, "two"), loop).result();
  });
  CHECK(log == Log{"one", "two"});
}

TEST_CASE("run_coroutine_threadsafe: threads that ask while the loop closes") {
  constexpr int threads = 3;
  const int tries = under_valgrind() ? 2 : 30;
  for (int i = 0; i < tries; ++i) {
    Log log;
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    std::counting_semaphore<> began(0);
    std::vector<std::thread> asking;
    for (int thread = 0; thread < threads; ++thread) {
      asking.emplace_back([&] {
        try {
          while (true) {
            const auto future = run_coroutine_threadsafe(add(1, 2), loop);
            began.release();
            future.result();
          }
        } catch (const concurrent::CancelledError&) {
        } catch (const std::logic_error&) {
        }
      });
    }
    for (int thread = 0; thread < threads; ++thread) {
      began.acquire();
    }
    loop.run_once();
    loop.close();
    for (std::thread& thread : asking) {
      thread.join();
    }
  }
}

}  // namespace test_run_coroutine_threadsafe
