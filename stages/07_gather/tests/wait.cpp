#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_wait {

using namespace asyncio;
using namespace std::chrono_literals;
using Tasks = std::vector<Task<int>>;

void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

Seconds now() { return get_running_loop().time(); }

Coroutine<int> work(Seconds delay) {
  co_await sleep(delay);
  co_return 1;
}

Coroutine<int> fail(Seconds delay) {
  co_await sleep(delay);
  throw std::runtime_error("failed");
}

Task<int> start(Coroutine<int> coroutine) {
  return create_task(std::move(coroutine));
}

Coroutine<> all_completed() {
  const Tasks tasks{start(work(2s)), start(fail(1s)), start(work(3s))};
  const auto waited = co_await wait(tasks);
  CHECK(waited.done == tasks);
  CHECK(waited.pending.empty());
  CHECK(now() == 3s);
  CHECK(tasks[1].exception());
}

TEST_CASE("wait: for all, whatever becomes of them, and throws nothing") {
  run_virtual(all_completed());
}

Coroutine<> first_completed() {
  const Tasks tasks{start(work(2s)), start(work(1s)), start(work(3s))};
  const auto waited = co_await wait(tasks, FIRST_COMPLETED);
  CHECK(waited.done == Tasks{tasks[1]});
  CHECK(waited.pending == Tasks{tasks[0], tasks[2]});
  CHECK(now() == 1s);
}

TEST_CASE("wait: for the first, the others stay as they are") {
  run_virtual(first_completed());
}

Coroutine<> two_at_once(std::string* reports) {
  get_running_loop().set_exception_handler(
      [reports](const std::string& message, std::exception_ptr) {
        *reports += message;
      });
  const Tasks tasks{start(work(1s)), start(work(1s)), start(work(3s))};
  const auto waited = co_await wait(tasks, FIRST_COMPLETED);
  CHECK(waited.done == Tasks{tasks[0], tasks[1]});
  CHECK(waited.pending == Tasks{tasks[2]});
}

TEST_CASE("wait: for the first, and two are done at once") {
  std::string reports;
  run_virtual(two_at_once(&reports));
  CHECK(reports == "");
}

Coroutine<> done_before() {
  const Tasks tasks{start(work(1s)), start(work(3s))};
  co_await sleep(2s);
  const auto waited = co_await wait(tasks, FIRST_COMPLETED);
  CHECK(waited.done == Tasks{tasks[0]});
  CHECK(now() == 2s);
}

TEST_CASE("wait: what was done before counts") { run_virtual(done_before()); }

Coroutine<> first_exception() {
  const Tasks tasks{start(work(1s)), start(fail(2s)), start(work(3s))};
  const auto waited = co_await wait(tasks, FIRST_EXCEPTION);
  CHECK(waited.done == Tasks{tasks[0], tasks[1]});
  CHECK(waited.pending == Tasks{tasks[2]});
  CHECK(now() == 2s);
}

TEST_CASE("wait: for the first exception") { run_virtual(first_exception()); }

Coroutine<> cancellation_is_no_exception() {
  const Tasks tasks{start(work(9s)), start(work(2s))};
  EventLoop& loop = get_running_loop();
  loop.set_exception_handler([](const std::string& what, std::exception_ptr) {
    FAIL_CHECK(what);
  });
  loop.call_later(1s, [task = tasks[0]] { task.cancel(); });
  const auto waited = co_await wait(tasks, FIRST_EXCEPTION);
  CHECK(waited.done == tasks);
  CHECK(now() == 2s);
}

TEST_CASE("wait: one that is cancelled is not the first exception") {
  run_virtual(cancellation_is_no_exception());
}

Coroutine<> timeout() {
  const Tasks tasks{start(work(3s)), start(work(1s))};
  const auto waited = co_await wait(tasks, ALL_COMPLETED, 2s);
  CHECK(now() == 2s);
  CHECK(waited.done == Tasks{tasks[1]});
  CHECK(waited.pending == Tasks{tasks[0]});
  const int result = co_await tasks[0];
  CHECK(result == 1);
}

TEST_CASE("wait: a timeout is no error and cancels nobody") {
  run_virtual(timeout());
}

Coroutine<> no_longer_than_needed() {
  const Tasks tasks{start(work(1s))};
  co_await wait(tasks, ALL_COMPLETED, 100s);
  CHECK(now() == 1s);
}

TEST_CASE("wait: takes its timer back") {
  EventLoop loop;
  loop.use_virtual_clock();
  create_task(no_longer_than_needed(), loop);
  loop.run_until_idle();
  CHECK(loop.time() == 1s);
}

Coroutine<> nothing() { co_await wait(Tasks()); }

TEST_CASE("wait: for nothing is refused") {
  CHECK_THROWS_AS(run_virtual(nothing()), std::invalid_argument);
}

Coroutine<> repeated() {
  const Task<int> task = start(work(1s));
  const Task<int> other = start(work(2s));
  const Tasks tasks{task, other, task};
  const auto waited = co_await wait(tasks);
  CHECK(waited.done == Tasks{task, other});
  CHECK(now() == 2s);
}

TEST_CASE("wait: for the same task twice counts once") {
  run_virtual(repeated());
}

Coroutine<> different_results() {
  const Future<std::string> text;
  const Task<int> number = start(work(1s));
  const std::vector<AnyFuture> futures{text, number};
  const auto waited = co_await wait(futures, FIRST_COMPLETED);
  CHECK(waited.done == std::vector<AnyFuture>{number});
  CHECK(waited.pending == std::vector<AnyFuture>{text});
}

TEST_CASE("wait: for futures of different types") {
  run_virtual(different_results());
}

Coroutine<> wait_for_ever(Future<> future) {
  const std::vector futures{future};
  co_await wait(futures);
}

Coroutine<> cancelled_while_it_waits() {
  const Future<> future;
  const Task<> waiting = create_task(wait_for_ever(future));
  co_await sleep(1s);
  waiting.cancel();
  CHECK_THROWS_AS(co_await waiting, CancelledError);
  CHECK(!future.done());
}

TEST_CASE("wait: cancelled, it leaves the futures alone") {
  run_virtual(cancelled_while_it_waits());
}

Coroutine<> callbacks_are_taken_back() {
  const Future<> slow;
  const std::vector futures{slow};
  const auto before = slow.add_done_callback([] {});
  co_await wait(futures, ALL_COMPLETED, 1s);
  // Numbers count up: between these two are those of wait()'s own.
  const auto after = slow.add_done_callback([] {});
  for (auto id = before + 1; id < after; ++id) {
    CHECK(slow.remove_done_callback(id) == 0);
  }
  CHECK(slow.remove_done_callback(before) == 1);
}

TEST_CASE("wait: takes its callbacks back") {
  run_virtual(callbacks_are_taken_back());
}

Coroutine<> waits_for_some() {
  const Task<> quick = create_task(sleep(1s));
  const Future<int> never;
  const std::vector<AnyFuture> both{quick, never};
  const auto timed = co_await wait(both, 2s);
  CHECK(timed.done == std::vector<AnyFuture>{quick});
  CHECK(timed.pending == std::vector<AnyFuture>{never});
  never.set_result(1);
  const auto all = co_await wait(quick, never);
  CHECK(all.done == both);
}

TEST_CASE("wait: with a time only, and for some that are named") {
  run_virtual(waits_for_some());
}

Coroutine<> waits_for_foreign(Future<int> foreign) {
  const std::vector<Future<int>> both{Future<int>(), foreign};
  CHECK_THROWS_AS(co_await wait(both), std::invalid_argument);
}

TEST_CASE("wait: a future of another loop is refused") {
  EventLoop other;
  run_virtual(waits_for_foreign(Future<int>(other)));
}

}  // namespace test_wait
