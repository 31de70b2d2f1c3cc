#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_shield {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

Coroutine<int> work(Log* log) {
  try {
    co_await sleep(2s);
  } catch (const CancelledError&) {
    log->push_back("cancelled");
    throw;
  }
  log->push_back("done");
  co_return 1;
}

Coroutine<int> fail() {
  co_await sleep(1s);
  throw std::runtime_error("failed");
}

Coroutine<> passes_on(Log* log) {
  const int result = co_await shield(work(log));
  CHECK(result == 1);
  CHECK_THROWS_AS(co_await shield(fail()), std::runtime_error);
}

TEST_CASE("shield: passes result and exception on") {
  Log log;
  run_virtual(passes_on(&log));
}

Coroutine<> naps() { co_await sleep(1s); }

Coroutine<> naps_badly() {
  co_await sleep(1s);
  throw std::runtime_error("a bad dream");
}

Coroutine<> without_a_result() {
  co_await shield(naps());
  CHECK(get_running_loop().time() == 1s);
  CHECK_THROWS_WITH_AS(
      co_await shield(naps_badly()), "a bad dream", std::runtime_error);
}

TEST_CASE("shield: also of what has no result") {
  run_virtual(without_a_result());
}

Coroutine<int> behind_a_shield(Task<int> inner) {
  co_return co_await shield(inner);
}

Coroutine<> outer_cancelled(Log* log) {
  const Task<int> inner = create_task(work(log));
  const Task<int> outer = create_task(behind_a_shield(inner));
  co_await sleep(1s);
  outer.cancel();
  CHECK_THROWS_AS(co_await outer, CancelledError);
  CHECK(!inner.done());
  log->push_back("outer is gone");
  const int result = co_await inner;
  CHECK(result == 1);
}

TEST_CASE("shield: cancelling outside leaves the inside alone") {
  Log log;
  run_virtual(outer_cancelled(&log));
  CHECK(log == Log{"outer is gone", "done"});
}

Coroutine<> inner_cancelled(Log* log) {
  const Task<int> inner = create_task(work(log));
  const Task<int> outer = create_task(behind_a_shield(inner));
  co_await sleep(1s);
  inner.cancel();
  CHECK_THROWS_AS(co_await outer, CancelledError);
}

TEST_CASE("shield: cancelling inside is passed on") {
  Log log;
  run_virtual(inner_cancelled(&log));
  CHECK(log == Log{"cancelled"});
}

Coroutine<> both_at_once(Log* reports) {
  get_running_loop().set_exception_handler(
      [reports](const std::string& message, std::exception_ptr) {
        reports->push_back(message);
      });
  Future<int> inner;
  const Future<int> outer = shield(inner);
  outer.cancel();
  inner.set_exception(std::runtime_error("nobody hears of it"));
  co_await sleep(1s);
  CHECK(outer.cancelled());
  inner = Future<int>();
}

TEST_CASE("shield: cancelled outside, and the inside fails in the same step") {
  Log reports;
  run_virtual(both_at_once(&reports));
  CHECK(reports.empty());
}

Coroutine<std::unique_ptr<int>> make() {
  co_await sleep(1s);
  co_return std::make_unique<int>(3);
}

Coroutine<> move_only() {
  const auto number = co_await shield(make());
  CHECK(*number == 3);
  const auto inner = create_task(make());
  using Number = Future<std::unique_ptr<int>>;
  inner.add_done_callback([](const Number& done) { done.result(); });
  CHECK_THROWS_AS(co_await shield(inner), InvalidStateError);
}

TEST_CASE("shield: moves what cannot be copied, unless somebody has it") {
  run_virtual(move_only());
}

Coroutine<> done_already() {
  const Future<int> future;
  future.set_result(3);
  const Future<int> outer = shield(future);
  CHECK(outer == future);
  CHECK(outer.result() == 3);
  co_return;
}

TEST_CASE("shield: of what is done is the same future") {
  run_virtual(done_already());
}

Coroutine<> forgotten_inside(Log* log) {
  const Future<int> outer = shield(work(log));
  outer.cancel();
  co_await sleep(3s);
}

TEST_CASE("shield: the loop keeps a task that nobody else keeps") {
  Log log;
  run_virtual(forgotten_inside(&log));
  CHECK(log == Log{"done"});
}

Coroutine<> within_wait_for(Log* log) {
  const Task<int> inner = create_task(work(log));
  CHECK_THROWS_AS(co_await wait_for(shield(inner), 1s), TimeoutError);
  CHECK(!inner.done());
  const int result = co_await inner;
  CHECK(result == 1);
}

TEST_CASE("shield: lets wait_for give up without cancelling") {
  Log log;
  run_virtual(within_wait_for(&log));
  CHECK(log == Log{"done"});
}

Coroutine<> gathered(Log* log) {
  const auto inner = gather(work(log), work(log));
  const auto outer = shield(inner);
  outer.cancel();
  co_await inner;
}

TEST_CASE("shield: of a gather") {
  Log log;
  run_virtual(gathered(&log));
  CHECK(log == Log{"done", "done"});
}

Coroutine<> keeps_the_inside(Log* log) {
  const auto outer = shield(gather(work(log), work(log)));
  co_await sleep(3s);
  CHECK(outer.done());
}

TEST_CASE("shield: keeps what is inside") {
  Log log;
  run_virtual(keeps_the_inside(&log));
  CHECK(log == Log{"done", "done"});
}

Coroutine<> dropped() {
  const Future<> never;
  const std::weak_ptr<FutureBase> outer = shield(never).state();
  CHECK(outer.expired());
  co_return;
}

TEST_CASE("shield: what is inside does not keep it") { run_virtual(dropped()); }

Coroutine<> shields_foreign(Future<int> foreign) {
  CHECK_THROWS_AS(shield(foreign), std::invalid_argument);
  co_return;
}

TEST_CASE("shield: a future of another loop is refused") {
  EventLoop other;
  run_virtual(shields_foreign(Future<int>(other)));
}

Coroutine<> shields_any() {
  const Future<int> inner;
  const auto outer = shield(AnyFuture(inner));
  outer.cancel();
  CHECK_FALSE(inner.done());
  co_return;
}

TEST_CASE("shield: a future of any result") { run_virtual(shields_any()); }

Coroutine<int> answers() { co_return 42; }

Coroutine<> shields_any_task() {
  const AnyTask inner = create_task(answers());
  const AnyFuture outer = shield(inner);
  // Only a callback: no task of its own.
  CHECK(all_tasks().size() == 2);
  co_await outer;
  CHECK(inner.done());
  CHECK(shield(inner) == inner);
}

TEST_CASE("shield: a task of any result") { run_virtual(shields_any_task()); }

}  // namespace test_shield
