#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_gather_cancelled {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

Seconds now() { return get_running_loop().time(); }

Coroutine<int> work(Log* log, std::string name) {
  try {
    co_await sleep(5s);
  } catch (const CancelledError& error) {
    log->push_back(name + " cancelled " + error.message);
    throw;
  }
  co_return 1;
}

Coroutine<int> stubborn(Log* log) {
  try {
    co_await sleep(5s);
  } catch (const CancelledError&) {
    log->push_back("refused");
  }
  co_return 1;
}

Coroutine<int> fail() {
  co_await sleep(1s);
  throw std::runtime_error("failed");
}

// What became of it.
template <class T>
Coroutine<std::string> outcome(Future<T> future) {
  try {
    co_await future;
  } catch (const CancelledError& error) {
    co_return "cancelled " + error.message;
  } catch (const std::runtime_error& error) {
    co_return error.what();
  }
  co_return "result";
}

Coroutine<> cancel_the_whole(Log* log) {
  const auto both = gather(work(log, "a"), work(log, "b"));
  get_running_loop().call_later(1s, [both] { CHECK(both.cancel("why")); });
  log->push_back(co_await outcome(both));
  CHECK(now() == 1s);
}

TEST_CASE("gather_cancelled: cancelling it cancels all") {
  Log log;
  run_virtual(cancel_the_whole(&log));
  CHECK(log == Log{"a cancelled why", "b cancelled why", "cancelled why"});
}

Coroutine<> awaiting(Log* log) {
  co_await gather(work(log, "a"), work(log, "b"));
}

Coroutine<> cancel_who_awaits(Log* log) {
  const Task<> task = create_task(awaiting(log));
  co_await sleep(1s);
  task.cancel();
  log->push_back(co_await outcome(task));
  CHECK(task.cancelled());
}

TEST_CASE("gather_cancelled: so does cancelling whoever awaits it") {
  Log log;
  run_virtual(cancel_who_awaits(&log));
  CHECK(log == Log{"a cancelled ", "b cancelled ", "cancelled "});
}

Coroutine<> cancel_a_child(Log* log) {
  const Task<int> a = create_task(work(log, "a"));
  const Task<int> b = create_task(work(log, "b"));
  const auto both = gather(a, b);
  co_await sleep(1s);
  a.cancel();
  log->push_back(co_await outcome(both));
  // As with any other exception the rest goes on.
  CHECK(!both.cancelled());
  CHECK(!b.done());
}

TEST_CASE("gather_cancelled: a cancelled child counts as an exception") {
  Log log;
  run_virtual(cancel_a_child(&log));
  CHECK(log[0] == "a cancelled ");
  CHECK(log[1] == "cancelled ");
}

Coroutine<> one_refuses(Log* log) {
  const auto both = gather(return_exceptions, stubborn(log), work(log, "b"));
  co_await sleep(1s);
  both.cancel("why");
  log->push_back(co_await outcome(both));
}

TEST_CASE("gather_cancelled: also with return_exceptions, and if one refuses") {
  Log log;
  run_virtual(one_refuses(&log));
  CHECK(log == Log{"refused", "b cancelled why", "cancelled why"});
}

Coroutine<int> clumsy() {
  try {
    co_await sleep(5s);
  } catch (const CancelledError&) {
    throw std::runtime_error("broke the vase");
  }
  co_return 1;
}

Coroutine<> one_fails(Log* log) {
  get_running_loop().set_exception_handler(
      [log](const std::string& message, std::exception_ptr) {
        log->push_back(message);
      });
  const auto both = gather(return_exceptions, clumsy(), work(log, "b"));
  co_await sleep(1s);
  both.cancel();
  log->push_back(co_await outcome(both));
}

TEST_CASE("gather_cancelled: if one fails then, that is lost") {
  Log log;
  run_virtual(one_fails(&log));
  CHECK(log == Log{"b cancelled ", "cancelled "});
}

Coroutine<> one_is_done(Log* log) {
  const Future<int> done;
  done.set_result(1);
  const auto both = gather(work(log, "a"), done);
  co_await sleep(1s);
  CHECK(both.cancel());
  log->push_back(co_await outcome(both));
}

TEST_CASE("gather_cancelled: cancel() says yes if one of them is not done") {
  Log log;
  run_virtual(one_is_done(&log));
  CHECK(log == Log{"a cancelled ", "cancelled "});
}

Coroutine<> once_more(Log* log) {
  using Both = Future<std::tuple<Outcome<int>>>;
  const Task<int> child = create_task(work(log, "a"));
  const auto both = std::make_shared<std::optional<Both>>();
  // Told before the gather is.
  child.add_done_callback([both] { CHECK(!(*both)->cancel()); });
  *both = gather(return_exceptions, child);
  co_await sleep(1s);
  CHECK((*both)->cancel());
  const Both whole = **both;
  log->push_back(co_await outcome(whole));
}

TEST_CASE("gather_cancelled: nor does a second cancel() save it") {
  Log log;
  run_virtual(once_more(&log));
  CHECK(log == Log{"a cancelled ", "cancelled "});
}

Coroutine<> too_late(Log* log) {
  const Task<int> other = create_task(work(log, "other"));
  const auto both = gather(fail(), other);
  log->push_back(co_await outcome(both));
  CHECK(!both.cancel());
  co_await sleep(1s);
  CHECK(!other.done());
}

TEST_CASE("gather_cancelled: once it has failed it spares the others") {
  Log log;
  run_virtual(too_late(&log));
  CHECK(log[0] == "failed");
}

Coroutine<> nothing_to_cancel() {
  const Future<int> done;
  done.set_result(1);
  const auto all = gather(done);
  CHECK(!all.cancel());
  CHECK(!all.done());
  co_await all;
}

TEST_CASE("gather_cancelled: cancel() says no when all children are done") {
  run_virtual(nothing_to_cancel());
}

Coroutine<> gathers_one(Future<> ready, std::optional<Task<>>* task) {
  co_await ready;
  co_await gather(**task);
}

Coroutine<> gathers_itself() {
  const Future<> ready;
  std::optional<Task<>> self;
  self = create_task(gathers_one(ready, &self));
  co_await sleep(1s);
  ready.set_result();
  co_await sleep(1s);
  CHECK_THROWS_AS(self->cancel(), RecursionError);
}

TEST_CASE("gather_cancelled: a task that gathers itself is no crash") {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  loop.run_until_complete(gathers_itself());
}

}  // namespace test_gather_cancelled
