#include <stdexcept>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_return_exceptions {

using namespace asyncio;
using namespace std::chrono_literals;

void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.get_loop().set_exception_handler(
      [](const std::string& message, std::exception_ptr) { FAIL(message); });
  runner.run(std::move(main));
}

Coroutine<int> work(Seconds delay) {
  co_await sleep(delay);
  co_return 1;
}

Coroutine<> fail(Seconds delay) {
  co_await sleep(delay);
  throw std::runtime_error("failed");
}

Coroutine<> waits_for_all() {
  const auto both = gather(return_exceptions, fail(1s), work(2s));
  const auto [failed, worked] = co_await both;
  CHECK(get_running_loop().time() == 2s);
  CHECK(failed.exception);
  CHECK_THROWS_AS(failed.value(), std::runtime_error);
  CHECK(!worked.exception);
  CHECK(worked.value() == 1);
}

TEST_CASE("return_exceptions: all are waited for, an exception is a result") {
  run_virtual(waits_for_all());
}

Coroutine<> void_and_cancelled() {
  const Task<int> task = create_task(work(5s));
  get_running_loop().call_later(1s, [task] { task.cancel(); });
  const auto [slept, cancelled] =
      co_await gather(return_exceptions, sleep(1s), task);
  CHECK(!slept.exception);
  CHECK_THROWS_AS(cancelled.value(), CancelledError);
}

TEST_CASE("return_exceptions: a cancelled child is one that has failed") {
  run_virtual(void_and_cancelled());
}

Coroutine<> of_a_vector() {
  std::vector<Coroutine<>> coroutines;
  coroutines.push_back(fail(1s));
  coroutines.push_back(fail(2s));
  const auto all = gather(return_exceptions, std::move(coroutines));
  const std::vector<Outcome<void>> outcomes = co_await all;
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].exception);
  CHECK(outcomes[1].exception);
}

TEST_CASE("return_exceptions: of a vector, a vector of outcomes") {
  run_virtual(of_a_vector());
}

Coroutine<> of_any_results() {
  const Task<int> worked = create_task(work(1s));
  const Task<> failed = create_task(fail(2s));
  std::vector<AnyFuture> any{worked, failed};
  const auto both = gather(return_exceptions, std::move(any));
  const std::vector<Outcome<void>> outcomes = co_await both;
  REQUIRE(outcomes.size() == 2);
  CHECK(!outcomes[0].exception);
  CHECK_THROWS_AS(outcomes[1].value(), std::runtime_error);
}

TEST_CASE("return_exceptions: of futures of any result") {
  run_virtual(of_any_results());
}

}  // namespace test_return_exceptions
