// Whatever goes wrong between a thread and the loop: nobody is left waiting,
// and no thread ends the process.
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_nobody_waits_for_ever {

using namespace asyncio;
using namespace std::chrono_literals;

/// Its `bad`th copy throws.
struct Fragile {
  Fragile() = default;
  Fragile(const Fragile&) {
    if (++copies == bad) {
      throw std::runtime_error("no copy");
    }
  }

  static inline std::atomic<int> copies = 0;
  static inline std::atomic<int> bad = 0;
};

Fragile fragile() { return Fragile(); }
Coroutine<Fragile> computes_it() {
  co_await sleep(0s);
  co_return Fragile();
}
Coroutine<> gets_it() { co_await to_thread(fragile); }

/// Lets each copy fail in turn, until none does. Returns how many did.
template <class Attempt>
int failures(Attempt attempt) {
  for (int bad = 1;; ++bad) {
    Fragile::copies = 0;
    Fragile::bad = bad;
    try {
      attempt();
    } catch (const std::runtime_error& error) {
      REQUIRE(std::string(error.what()) == "no copy");
    }
    if (Fragile::copies < bad) {
      return bad - 1;
    }
  }
}

TEST_CASE("the result of a call cannot be copied") {
  CHECK(failures([] {
    concurrent::ThreadPoolExecutor(1).submit(fragile).result();
  }) > 0);
  CHECK(failures([] { run(gets_it()); }) > 0);
}

TEST_CASE("the result of a coroutine cannot be copied") {
  CHECK(failures([] {
    EventLoop loop;
    std::thread thread([&] { loop.run_forever(); });
    const auto future = run_coroutine_threadsafe(computes_it(), loop);
    const auto exception = future.exception();
    loop.call_soon_threadsafe([&] { loop.stop(); });
    thread.join();
    if (exception) {
      std::rethrow_exception(exception);
    }
    future.result();
  }) > 0);
}

Coroutine<> waits_for(Future<> future) { co_await future; }
Coroutine<> nothing() { co_return; }

TEST_CASE("a loop goes on in another thread") {
  EventLoop loop;
  const Future<> future(loop);
  loop.run_until_complete(nothing());
  const auto task = create_task(waits_for(future), loop);
  loop.run_once();
  std::thread([&] {
    future.set_result();
    loop.run_until_idle();
  }).join();
  CHECK(task.done());
}

TEST_CASE("callbacks that two threads have added are told apart") {
  EventLoop loop;
  const Future<> future(loop);
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::thread([&] { first = future.add_done_callback([] {}); }).join();
  std::thread([&] { second = future.add_done_callback([] {}); }).join();
  CHECK(first != second);
  CHECK(future.remove_done_callback(first) == 1);
}

TEST_CASE("tasks that two threads have made are told apart") {
  EventLoop loop;
  std::set<AnyTask> tasks;
  for (int thread = 0; thread < 2; ++thread) {
    std::thread([&] { tasks.insert(create_task(nothing(), loop)); }).join();
  }
  CHECK(tasks.size() == 2);
  loop.run_until_idle();
}

TEST_CASE("a thread's call comes while a signal's handler throws") {
  EventLoop loop;
  const Future<> future(loop);
  loop.add_signal_handler(SIGUSR1, [] { throw KeyboardInterrupt(); });
  // There is a byte in the pipe, so it writes none.
  std::raise(SIGUSR1);
  loop.call_soon([&] {
    std::thread([&] {
      loop.call_soon_threadsafe([&] { future.set_result(); });
    }).join();
  });
  CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
  bool slept = false;
  const auto timer = loop.call_later(1s, [&] { slept = true; });
  loop.run_until_complete(future);
  CHECK(!slept);
}

/// Adds to a count while it lives.
class Counted {
 public:
  explicit Counted(std::shared_ptr<int> count) : count_(std::move(count)) {}

 private:
  std::shared_ptr<int> count_;
};
Coroutine<> owns(Counted) { co_return; }

TEST_CASE("what a lost coroutine owns is gone when the thread hears of it") {
  const auto count = std::make_shared<int>();
  long alive = 0;
  {
    EventLoop loop;
    const auto future =
        run_coroutine_threadsafe(owns(Counted(count)), loop);
    future.add_done_callback([&](auto) { alive = count.use_count(); });
  }
  CHECK(alive == 1);
}

TEST_CASE("no time to wait") {
  const concurrent::Future<> future;
  for (const double seconds : {0.0, -1.0, -1e300, std::nan("")}) {
    CHECK_THROWS_AS(future.result(Seconds(seconds)), TimeoutError);
  }
}

TEST_CASE("a pool is shut down by one of its calls") {
  concurrent::ThreadPoolExecutor executor(2);
  const auto future = executor.submit([&] { executor.shutdown(); });
  CHECK_NOTHROW(future.result());
}

TEST_CASE("a pool is destroyed by one of its calls") {
  auto executor = std::make_shared<concurrent::ThreadPoolExecutor>(2);
  concurrent::Future<> told;
  const auto future = executor->submit([executor, told] { told.result(); });
  executor = nullptr;
  told.set_result(None);
  CHECK_NOTHROW(future.result());
}

TEST_CASE("somebody else sets the future of a call") {
  concurrent::ThreadPoolExecutor executor(1);
  concurrent::Future<> told;
  const auto first = executor.submit([told] { told.result(); });
  const auto second = executor.submit([] { return 1; });
  second.set_result(2);
  told.set_result(None);
  first.result();
  CHECK(executor.submit([] { return 3; }).result() == 3);
  CHECK(second.result() == 2);
}

}  // namespace test_nobody_waits_for_ever
