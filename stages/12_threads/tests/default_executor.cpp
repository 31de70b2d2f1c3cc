#include <atomic>
#include <functional>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_default_executor {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;
using concurrent::ThreadPoolExecutor;

Coroutine<std::thread::id> which_thread() {
  co_return co_await to_thread(std::this_thread::get_id);
}

Coroutine<> sets_its_own(std::shared_ptr<ThreadPoolExecutor> executor) {
  const std::thread::id thread =
      executor->submit(std::this_thread::get_id).result();
  get_running_loop().set_default_executor(executor);
  CHECK((&get_running_loop().default_executor() == executor.get()));
  const std::thread::id used = co_await which_thread();
  CHECK((used == thread));
}

TEST_CASE("default_executor: one of your own, which run() shuts down") {
  const auto executor = std::make_shared<ThreadPoolExecutor>(1);
  run(sets_its_own(executor));
  CHECK(executor.use_count() == 1);
  CHECK_THROWS_AS(executor->submit([] {}), std::runtime_error);
}

TEST_CASE("default_executor: the same for all calls") {
  EventLoop loop;
  CHECK((&loop.default_executor() == &loop.default_executor()));
}

TEST_CASE("default_executor: the one that it replaces ends its calls") {
  std::atomic<bool> called = false;
  {
    EventLoop loop;
    loop.default_executor().submit([&] { called = true; });
    loop.set_default_executor(std::make_shared<ThreadPoolExecutor>(1));
  }
  CHECK(called);
}

TEST_CASE("default_executor: and the loop does not wait for that") {
  std::binary_semaphore go_on(0);
  EventLoop loop;
  const auto call = loop.default_executor().submit([&] {
    return go_on.try_acquire_for(5s);
  });
  loop.set_default_executor(std::make_shared<ThreadPoolExecutor>(1));
  go_on.release();
  CHECK(call.result());
}

Coroutine<> leaves_a_call(std::binary_semaphore* go_on, bool* ended) {
  run_in_executor(None, [=] {
    go_on->acquire();
    *ended = true;
  });
  co_return;
}

TEST_CASE("default_executor: run() waits for calls that nobody awaits") {
  std::binary_semaphore go_on(0);
  bool ended = false;
  std::thread thread([&] { go_on.release(); });
  run(leaves_a_call(&go_on, &ended));
  CHECK(ended);
  thread.join();
}

/// Leaves a call that asks the loop, and waits for the answer, many times.
Coroutine<> leaves_a_talk(std::binary_semaphore* answer, int* answered) {
  run_in_executor(None, [=, &loop = get_running_loop()] {
    for (int i = 0; i < 100; ++i) {
      loop.call_soon_threadsafe([answer] { answer->release(); });
      answer->acquire();
      ++*answered;
    }
  });
  co_return;
}

TEST_CASE("default_executor: and its loop runs as long as they do") {
  std::binary_semaphore answer(0);
  int answered = 0;
  run(leaves_a_talk(&answer, &answered));
  CHECK(answered == 100);
}

Coroutine<> goes_on(std::binary_semaphore* go_on) {
  for (int i = 0; i < 10; ++i) {
    co_await sleep(0s);
  }
  go_on->release();
}

Coroutine<> shuts_down(bool* ended) {
  std::binary_semaphore go_on(0);
  co_await leaves_a_call(&go_on, ended);
  const Task<> other = create_task(goes_on(&go_on));
  co_await shutdown_default_executor();
  CHECK(*ended);
  co_await other;
  CHECK_THROWS_WITH_AS(run_in_executor(None, [] {}),
                       "Executor shutdown has been called", std::runtime_error);
  co_await shutdown_default_executor();
}

TEST_CASE("default_executor: the loop goes on while it is shut down") {
  bool ended = false;
  run(shuts_down(&ended));
  CHECK(ended);
}

Coroutine<> shuts_down_nothing() {
  co_await shutdown_default_executor();
  CHECK_THROWS_AS(get_running_loop().default_executor(), std::runtime_error);
}

TEST_CASE("default_executor: also if there never was one") {
  run(shuts_down_nothing());
}

Coroutine<> cancels_the_shutdown(std::binary_semaphore* go_on, bool* ended) {
  co_await leaves_a_call(go_on, ended);
  const Task<> task = create_task(shutdown_default_executor());
  co_await sleep(0s);
  task.cancel();
  go_on->release();
  try {
    co_await task;
  } catch (const CancelledError&) {
  }
  CHECK(task.cancelled());
}

TEST_CASE("default_executor: if that is cancelled, run() still waits") {
  std::binary_semaphore go_on(0);
  bool ended = false;
  run(cancels_the_shutdown(&go_on, &ended));
  CHECK(ended);
}

TEST_CASE("default_executor: close() does not wait, the destructor does") {
  std::binary_semaphore go_on(0);
  bool ended = false;
  {
    EventLoop loop;
    loop.default_executor().submit([&] {
      go_on.acquire();
      ended = true;
    });
    loop.close();
    CHECK_THROWS_AS(loop.default_executor(), std::logic_error);
    go_on.release();
  }
  CHECK(ended);
}

TEST_CASE("default_executor: calls that end when their loop is gone") {
  std::atomic<int> called = 0;
  {
    EventLoop loop;
    loop.call_soon([&] {
      for (int i = 0; i < 100; ++i) {
        run_in_executor(None, [&] { ++called; });
      }
    });
    loop.run_once();
  }
  CHECK(called == 100);
}

}  // namespace test_default_executor
