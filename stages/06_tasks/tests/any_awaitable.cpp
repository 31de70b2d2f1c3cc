#include <coroutine>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_any_awaitable {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

TEST_CASE("any_awaitable: a sleep becomes a task") {
  Loop loop;
  const Task<> task = create_task(sleep(1s), loop, "nap");
  CHECK(task.get_name() == "nap");
  loop.run_until_idle();
  CHECK(task.done());
  CHECK(loop.time() == 1s);
}

TEST_CASE("any_awaitable: a sleep that is a task can be cancelled") {
  Loop loop;
  const Task<> task = create_task(sleep(1h), loop);
  loop.call_later(1s, [&] { task.cancel(); });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(loop.time() == 1s);
}

TEST_CASE("any_awaitable: a future becomes a task") {
  Loop loop;
  const Future<int> future(loop);
  const Task<int> task = create_task(future, loop);
  loop.call_later(1s, [&] { future.set_result(42); });
  loop.run_until_idle();
  CHECK(task.result() == 42);
  CHECK_FALSE(task == future);
}

/// The smallest there is: never waits.
struct Ready {
  bool await_ready() const { return true; }
  void await_suspend(std::coroutine_handle<>) const {}
  int await_resume() const { return 7; }
};

/// One that wants to be asked for its awaiter.
struct Asked {
  Ready operator co_await() const { return {}; }
};

TEST_CASE("any_awaitable: so does whatever co_await takes") {
  Loop loop;
  const Ready ready;
  const Asked asked;
  const Task<int> one = create_task(ready, loop);
  const Task<int> other = create_task(asked, loop);
  loop.run_until_idle();
  CHECK(one.result() == 7);
  CHECK(other.result() == 7);
}

Coroutine<int> answer() {
  co_await sleep(1s);
  co_return 42;
}

Coroutine<> starts_all() {
  const Future<int> future;
  const Task<int> task = create_task(answer());
  CHECK(ensure_future(future) == future);
  CHECK(ensure_future(task) == task);
  const Task<int> made = ensure_future(answer());
  const Task<> nap = ensure_future(sleep(1s));
  CHECK(co_await made == 42);
  co_await nap;
  co_await task;
}

TEST_CASE("any_awaitable: ensure_future leaves a future as it is") {
  Loop loop;
  loop.run_until_complete(starts_all());
  CHECK(loop.time() == 1s);
}

TEST_CASE("any_awaitable: a loop runs until any of them is complete") {
  Loop loop;
  CHECK(loop.run_until_complete(answer()) == 42);
  loop.run_until_complete(sleep(1s));
  CHECK(loop.run_until_complete(create_task(answer(), loop)) == 42);
  CHECK(loop.time() == 3s);
}

Coroutine<int> fails() {
  throw std::runtime_error("no answer");
  co_return 0;
}

TEST_CASE("any_awaitable: and throws what that throws") {
  Loop loop;
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(fails()), "no answer", std::runtime_error);
  const Task<int> task = create_task(answer(), loop);
  task.cancel();
  CHECK_THROWS_AS(loop.run_until_complete(task), CancelledError);
}

TEST_CASE("any_awaitable: another loop's task is refused") {
  Loop loop;
  Loop other;
  const Task<int> task = create_task(answer(), loop);
  // Else it would wait for ever.
  other.call_later(1s, [&] { other.stop(); });
  CHECK_THROWS_AS(other.run_until_complete(task), std::invalid_argument);
  CHECK_FALSE(task.done());
  CHECK(loop.run_until_complete(task) == 42);
}

Coroutine<> begin(bool* begun) {
  *begun = true;
  co_return;
}

TEST_CASE("any_awaitable: what cannot be run now does not begin later") {
  Loop loop;
  bool begun = false;
  loop.call_soon([&] {
    CHECK_THROWS_AS(loop.run_until_complete(begin(&begun)), std::logic_error);
    CHECK(all_tasks(loop).empty());
  });
  loop.run_until_idle();
  CHECK_FALSE(begun);
}

TEST_CASE("any_awaitable: outside of a running loop one must say which") {
  CHECK_THROWS_AS(create_task(sleep(1s)), std::logic_error);
  CHECK_THROWS_AS(ensure_future(answer()), std::logic_error);
}

}  // namespace test_any_awaitable
