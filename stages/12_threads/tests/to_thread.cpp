#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_to_thread {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;
using concurrent::ThreadPoolExecutor;

Coroutine<std::thread::id> asks_which() {
  co_return co_await to_thread(std::this_thread::get_id);
}

TEST_CASE("to_thread: another thread") {
  CHECK((run(asks_which()) != std::this_thread::get_id()));
}

int add(int one, int other) { return one + other; }

Coroutine<int> adds() { co_return co_await to_thread(add, 1, 2); }

TEST_CASE("to_thread: arguments and a result") {
  CHECK(run(adds()) == 3);
}

Coroutine<std::unique_ptr<int>> moves() {
  auto five = std::make_unique<int>(5);
  auto add_five = [five = std::move(five)](std::unique_ptr<int> other) {
    return std::make_unique<int>(*five + *other);
  };
  auto seven = std::make_unique<int>(7);
  co_return co_await to_thread(std::move(add_five), std::move(seven));
}

TEST_CASE("to_thread: that only move") {
  CHECK(*run(moves()) == 12);
}

Coroutine<> fails() {
  const auto failing = [] { throw std::runtime_error("broken"); };
  co_await to_thread(failing);
}

TEST_CASE("to_thread: an exception") {
  CHECK_THROWS_WITH_AS(run(fails()), "broken", std::runtime_error);
}

Coroutine<> releases(std::binary_semaphore* semaphore) {
  co_await sleep(0s);
  semaphore->release();
}

Coroutine<> blocks() {
  std::binary_semaphore semaphore(0);
  const Task<> other = create_task(releases(&semaphore));
  const auto acquire = [&] { semaphore.acquire(); };
  co_await to_thread(acquire);
  co_await other;
}

TEST_CASE("to_thread: the others go on while a call blocks") {
  run(blocks());
}

Coroutine<> begins_nothing(std::atomic<int>* called) {
  const auto call = [called] { ++*called; };
  {
    const Coroutine<> never_awaited = to_thread(call);
  }
  co_await sleep(0s);
}

TEST_CASE("to_thread: begins when it is awaited, as any coroutine") {
  std::atomic<int> called = 0;
  run(begins_nothing(&called));
  CHECK(called == 0);
}

/// Waits for the one before, and lets the next one go on.
Coroutine<int> one_of(std::vector<std::binary_semaphore*> all, std::size_t i) {
  const auto call = [all, i] {
    all[i]->acquire();
    if (i > 0) {
      all[i - 1]->release();
    }
    return int(i);
  };
  co_return co_await to_thread(call);
}

Coroutine<std::tuple<int, int, int>> gathers() {
  std::binary_semaphore zero(0);
  std::binary_semaphore one(0);
  std::binary_semaphore two(1);
  const std::vector<std::binary_semaphore*> all{&zero, &one, &two};
  co_return co_await gather(one_of(all, 0), one_of(all, 1), one_of(all, 2));
}

TEST_CASE("to_thread: several at the same time") {
  CHECK((run(gathers()) == std::tuple(0, 1, 2)));
}

Coroutine<bool> asks_for_the_loop() {
  const auto ask = [] {
    try {
      get_running_loop();
    } catch (const std::logic_error&) {
      return false;
    }
    return true;
  };
  co_return co_await to_thread(ask);
}

TEST_CASE("to_thread: no loop runs in that thread") {
  CHECK_FALSE(run(asks_for_the_loop()));
}

// ---- run_in_executor ----

Coroutine<int> uses(ThreadPoolExecutor* executor) {
  const Future<int> future = run_in_executor(*executor, add, 1, 2);
  CHECK_FALSE(future.done());
  co_return co_await future;
}

TEST_CASE("to_thread: an executor of one's own, which outlives the loop") {
  ThreadPoolExecutor executor(1);
  CHECK(run(uses(&executor)) == 3);
  CHECK(run(uses(&executor)) == 3);
  executor.shutdown();
  CHECK_THROWS_WITH_AS(run(uses(&executor)),
                       "cannot schedule new futures after shutdown",
                       std::runtime_error);
}

TEST_CASE("to_thread: or dies first, and waits for its calls") {
  EventLoop loop;
  std::optional<Future<int>> future;
  loop.call_soon([&] {
    ThreadPoolExecutor executor(1);
    future = run_in_executor(executor, add, 1, 2);
  });
  loop.run_until_idle();
  CHECK(future->result() == 3);
}

Coroutine<int> uses_default() {
  const Future<int> future = run_in_executor(None, add, 1, 2);
  co_return co_await future;
}

TEST_CASE("to_thread: None is the loop's own executor") {
  CHECK(run(uses_default()) == 3);
}

TEST_CASE("to_thread: only in a running loop") {
  ThreadPoolExecutor executor(1);
  CHECK_THROWS_AS(run_in_executor(executor, add, 1, 2), std::logic_error);
  CHECK_THROWS_AS(run_in_executor(None, add, 1, 2), std::logic_error);
}

// ---- Cancelled ----

/// A call that says that it has begun, and waits.
struct Call {
  void operator()() {
    began.release();
    go_on.acquire();
    ended = true;
  }

  std::binary_semaphore began{0};
  std::binary_semaphore go_on{0};
  std::atomic<bool> ended = false;
};

Coroutine<> calls(Call* call) {
  const auto function = [call] { (*call)(); };
  co_await to_thread(function);
}

Coroutine<> cancels_after_it_began(Call* call, Log* log) {
  const Task<> task = create_task(calls(call));
  co_await sleep(0s);
  call->began.acquire();
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
    log->push_back(call->ended ? "waited for" : "cancelled");
  }
  call->go_on.release();
}

TEST_CASE("to_thread: cancelled, the coroutine ends and the thread goes on") {
  Log log;
  Call call;
  run(cancels_after_it_began(&call, &log));
  CHECK(log == Log{"cancelled"});
  // run() has waited for it.
  CHECK(call.ended);
}

Coroutine<> cancels_before_it_begins(Call* first, Call* second) {
  ThreadPoolExecutor executor(1);
  const Future<> running = run_in_executor(executor, [first] { (*first)(); });
  const Future<> waiting = run_in_executor(executor, [second] { (*second)(); });
  first->began.acquire();
  CHECK(waiting.cancel());
  co_await sleep(0s);
  first->go_on.release();
  co_await running;
  CHECK(waiting.cancelled());
}

TEST_CASE("to_thread: before it began, it is never called") {
  Call first;
  Call second;
  run(cancels_before_it_begins(&first, &second));
  CHECK(first.ended);
  CHECK_FALSE(second.began.try_acquire());
}

Coroutine<> waits_in_vain(Call* call, Log* log) {
  const Task<> task = create_task(calls(call));
  co_await sleep(0s);
  call->began.acquire();
  try {
    co_await wait_for(task, 1ms);
  } catch (const TimeoutError&) {
    log->push_back("timeout");
  }
  call->go_on.release();
}

TEST_CASE("to_thread: a timeout ends the wait, not the call") {
  Log log;
  Call call;
  run(waits_in_vain(&call, &log));
  CHECK(log == Log{"timeout"});
  CHECK(call.ended);
}

Coroutine<> cancels_as_it_ends(int tries) {
  for (int i = 0; i < tries; ++i) {
    const Task<int> task = create_task(adds());
    for (int round = 0; round < i % 5; ++round) {
      co_await sleep(0s);
    }
    task.cancel();
    try {
      const int sum = co_await task;
      CHECK(sum == 3);
    } catch (const CancelledError&) {
    }
  }
}

TEST_CASE("to_thread: cancelled at any moment") {
  run(cancels_as_it_ends(under_valgrind() ? 10 : 300));
}

TEST_CASE("to_thread: the loop closes while a call is under way") {
  Call call;
  {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    create_task(calls(&call), loop);
    loop.run_once();
    call.began.acquire();
    loop.close();
    CHECK_FALSE(call.ended);
    call.go_on.release();
  }
  // The loop's destructor has waited.
  CHECK(call.ended);
}

}  // namespace test_to_thread
