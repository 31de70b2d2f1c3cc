#include <unistd.h>

#include <atomic>
#include <csignal>
#include <latch>
#include <memory>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_runners_in_threads {

using namespace asyncio;
using namespace std::chrono_literals;

Coroutine<int> adds_up(EventLoop** loop, int from) {
  *loop = &get_running_loop();
  int sum = 0;
  for (int i = 0; i < 20; ++i) {
    co_await sleep(i % 2 == 0 ? 0s : 10us);
    sum += from + i;
  }
  const auto last = [] { return 1; };
  co_return sum + co_await to_thread(last);
}

TEST_CASE("runners_in_threads: one in each, and each has its own loop") {
  constexpr std::size_t threads = 6;
  std::vector<int> sums(threads);
  std::vector<EventLoop*> loops(threads);
  std::vector<std::thread> running;
  std::latch all_have_run(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      Runner runner;
      sums[i] = runner.run(adds_up(&loops[i], int(i)));
      // Two that do not live at the same time may be in the same place.
      all_have_run.arrive_and_wait();
    });
  }
  for (std::thread& thread : running) {
    thread.join();
  }
  for (std::size_t i = 0; i < threads; ++i) {
    CHECK(sums[i] == 20 * int(i) + 190 + 1);
    for (std::size_t k = 0; k < i; ++k) {
      CHECK(loops[i] != loops[k]);
    }
  }
  CHECK(EventLoop::running() == nullptr);
}

Coroutine<int> runs_another() {
  int result = 0;
  EventLoop* other = nullptr;
  std::thread thread([&] { result = run(adds_up(&other, 0)); });
  thread.join();
  CHECK(other != &get_running_loop());
  co_return result;
}

TEST_CASE("runners_in_threads: beside one that runs in this thread") {
  CHECK(run(runs_another()) == 191);
}

/// Adds one, and hands it to the other loop.
Coroutine<int> plays(EventLoop* other, int ball, int most) {
  co_await sleep(0s);
  if (ball == most) {
    co_return ball;
  }
  EventLoop* const mine = &get_running_loop();
  const auto future =
      run_coroutine_threadsafe(plays(mine, ball + 1, most), *other);
  const Future<int> wrapped = wrap_future(future);
  co_return co_await wrapped;
}

TEST_CASE("runners_in_threads: two loops that call each other") {
  EventLoop one;
  EventLoop other;
  std::thread thread([&] { other.run_forever(); });
  CHECK(one.run_until_complete(plays(&other, 0, 51)) == 51);
  other.call_soon_threadsafe([&] { other.stop(); });
  thread.join();
}

// ---- Ctrl-C ----

Coroutine<> sleeps(std::binary_semaphore* began) {
  began->release();
  co_await sleep(1h);
}

TEST_CASE("runners_in_threads: Ctrl-C cancels what the only runner runs") {
  std::binary_semaphore began(0);
  bool interrupted = false;
  std::thread thread([&] {
    try {
      run(sleeps(&began));
    } catch (const KeyboardInterrupt&) {
      interrupted = true;
    }
  });
  began.acquire();
  ::kill(::getpid(), SIGINT);
  thread.join();
  CHECK(interrupted);
}

Coroutine<> yields_until(const std::atomic<bool>* done) {
  while (!*done) {
    co_await sleep(100us);
  }
}

TEST_CASE("runners_in_threads: of two, the first one's") {
  std::binary_semaphore began(0);
  std::atomic<bool> interrupted = false;
  std::thread thread([&] {
    try {
      run(sleeps(&began));
    } catch (const KeyboardInterrupt&) {
      interrupted = true;
    }
  });
  began.acquire();
  Runner second;
  second.get_loop().call_soon([] { ::kill(::getpid(), SIGINT); });
  second.run(yields_until(&interrupted));
  thread.join();
  CHECK(interrupted);
}

}  // namespace test_runners_in_threads
