#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_wait_for {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

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

Coroutine<> in_time() {
  const int result = co_await wait_for(work(1s), 2s);
  CHECK(result == 1);
  CHECK(now() == 1s);
}

TEST_CASE("wait_for: in time, the result") {
  EventLoop loop;
  loop.use_virtual_clock();
  create_task(in_time(), loop);
  loop.run_until_idle();
  // Its timer is gone as well.
  CHECK(loop.time() == 1s);
}

Coroutine<> too_late() {
  const Task<int> task = create_task(work(3s));
  CHECK_THROWS_AS(co_await wait_for(task, 2s), TimeoutError);
  CHECK(now() == 2s);
  CHECK(task.cancelled());
}

TEST_CASE("wait_for: too late, TimeoutError, and what it waits for is gone") {
  run_virtual(too_late());
}

Coroutine<int> slow_to_clean_up(Log* log) {
  bool cancelled = false;
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  co_await sleep(1s);
  log->push_back("cleaned up");
  if (cancelled) {
    throw CancelledError();
  }
  co_return 1;
}

Coroutine<> clean_up_first(Log* log) {
  try {
    co_await wait_for(slow_to_clean_up(log), 2s);
  } catch (const TimeoutError&) {
    log->push_back("timed out");
  }
  CHECK(now() == 3s);
}

TEST_CASE("wait_for: TimeoutError comes after the clean-up") {
  Log log;
  run_virtual(clean_up_first(&log));
  CHECK(log == Log{"cleaned up", "timed out"});
}

Coroutine<int> refuse() {
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
  }
  co_await sleep(1s);
  co_return 7;
}

Coroutine<> refused() {
  const int result = co_await wait_for(refuse(), 2s);
  CHECK(result == 7);
  CHECK(now() == 3s);
}

TEST_CASE("wait_for: who refuses to be cancelled gives a result after all") {
  run_virtual(refused());
}

Coroutine<int> fail_to_clean_up() {
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    throw std::runtime_error("cannot clean up");
  }
  co_return 1;
}

Coroutine<> fails_in_clean_up() {
  CHECK_THROWS_WITH(co_await wait_for(fail_to_clean_up(), 2s),
                    "cannot clean up");
}

TEST_CASE("wait_for: an exception in the clean-up is what arrives") {
  run_virtual(fails_in_clean_up());
}

Coroutine<> note(Log* log) {
  log->push_back("began");
  co_await sleep(1s);
}

Coroutine<> no_time_at_all(Log* log) {
  CHECK_THROWS_AS(co_await wait_for(note(log), 0s), TimeoutError);
  CHECK_THROWS_AS(co_await wait_for(note(log), -1s), TimeoutError);
  const Future<int> done;
  done.set_result(5);
  const int result = co_await wait_for(done, 0s);
  CHECK(result == 5);
  CHECK(now() == 0s);
}

TEST_CASE("wait_for: without any time, only what is done already") {
  Log log;
  run_virtual(no_time_at_all(&log));
  CHECK(log.empty());
}

Coroutine<> all_the_time() {
  const int result = co_await wait_for(work(1000s), std::nullopt);
  CHECK(result == 1);
}

TEST_CASE("wait_for: without a timeout it is a plain co_await") {
  run_virtual(all_the_time());
}

Coroutine<int> waiting(Log* log) {
  co_return co_await wait_for(slow_to_clean_up(log), 5s);
}

Coroutine<> cancelled_outside(Log* log) {
  const Task<int> task = create_task(waiting(log));
  co_await sleep(1s);
  task.cancel();
  CHECK_THROWS_AS(co_await task, CancelledError);
  CHECK(now() == 2s);
}

TEST_CASE("wait_for: cancelled, it cancels, and waits for the clean-up") {
  Log log;
  run_virtual(cancelled_outside(&log));
  CHECK(log == Log{"cleaned up"});
}

Coroutine<std::unique_ptr<int>> move_only() {
  co_return std::make_unique<int>(3);
}

Coroutine<> moved() {
  const auto number = co_await wait_for(move_only(), 1s);
  CHECK(*number == 3);
}

TEST_CASE("wait_for: gives a result that cannot be copied") {
  run_virtual(moved());
}

Coroutine<> waits_for_foreign(Future<int> foreign) {
  CHECK_THROWS_AS(co_await wait_for(foreign, 1s), std::invalid_argument);
}

TEST_CASE("wait_for: a future of another loop is refused") {
  EventLoop other;
  run_virtual(waits_for_foreign(Future<int>(other)));
}

Coroutine<> waits_for_any() {
  const Future<int> never;
  CHECK_THROWS_AS(co_await wait_for(AnyFuture(never), 1s), TimeoutError);
  CHECK(never.cancelled());
}

TEST_CASE("wait_for: a future of any result") { run_virtual(waits_for_any()); }

}  // namespace test_wait_for
