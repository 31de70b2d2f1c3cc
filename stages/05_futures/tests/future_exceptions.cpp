#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_future_exceptions {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

TEST_CASE("future_exceptions: result() throws it, exception() returns it") {
  EventLoop loop;
  const Future<int> future(loop);
  future.set_exception(std::out_of_range("too far"));
  CHECK(future.done());
  CHECK_FALSE(future.cancelled());
  CHECK_THROWS_AS(future.result(), std::out_of_range);
  CHECK_THROWS_WITH(future.result(), "too far");
  CHECK(describe(future.exception()) == "too far");
}

TEST_CASE("future_exceptions: one that was caught elsewhere") {
  EventLoop loop;
  const Future<> future(loop);
  try {
    throw std::runtime_error("elsewhere");
  } catch (...) {
    future.set_exception(std::current_exception());
  }
  CHECK_THROWS_WITH_AS(future.result(), "elsewhere", std::runtime_error);
}

TEST_CASE("future_exceptions: a second one is refused, the first one stays") {
  EventLoop loop;
  const Future<int> future(loop);
  future.set_exception(std::runtime_error("first"));
  CHECK_THROWS_AS(
      future.set_exception(std::runtime_error("second")), InvalidStateError);
  CHECK_THROWS_AS(future.set_result(1), InvalidStateError);
  CHECK_FALSE(future.cancelled());
  CHECK_THROWS_WITH(future.result(), "first");
}

TEST_CASE("future_exceptions: refused where there is a result") {
  EventLoop loop;
  const Future<int> future(loop);
  future.set_result(1);
  CHECK_THROWS_AS(
      future.set_exception(std::runtime_error("no")), InvalidStateError);
  CHECK(future.result() == 1);
}

Coroutine<> catches(Log* log, std::string name, Future<int> future) {
  try {
    co_await future;
    log->push_back("not reached");
  } catch (const std::runtime_error& error) {
    log->push_back(name + ": " + error.what());
  }
  co_await sleep(1s);
  log->push_back(name + " goes on");
}

TEST_CASE("future_exceptions: thrown at each await, before it and after it") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  const Future<int> future(loop);
  create_task(catches(&log, "a", future), loop);
  create_task(catches(&log, "b", future), loop);
  loop.call_later(1s, [future] {
    future.set_exception(std::runtime_error("no"));
  });
  loop.call_later(5s, [&] { create_task(catches(&log, "late", future)); });
  loop.call_later(10s, [&] { loop.stop(); });
  loop.run_until_idle();
  CHECK(log == Log{"a: no", "b: no", "a goes on", "b goes on", "late: no",
                   "late goes on"});
}

TEST_CASE("future_exceptions: one that is none is refused") {
  EventLoop loop;
  const Future<int> future(loop);
  CHECK_THROWS_AS(
      future.set_exception(std::exception_ptr()), std::invalid_argument);
  CHECK_FALSE(future.done());
}

TEST_CASE("future_exceptions: anything, also what is no std::exception") {
  EventLoop loop;
  const Future<int> future(loop);
  future.set_exception(7);
  CHECK_THROWS_AS(future.result(), int);
  try {
    throw CancelledError("so be it");
  } catch (const std::exception&) {
    FAIL("CancelledError is a std::exception");
  } catch (const CancelledError& error) {
    CHECK(error.message == "so be it");
  }
}

TEST_CASE("future_exceptions: nullptr is none either") {
  EventLoop loop;
  const Future<> future(loop);
  CHECK_THROWS_AS(future.set_exception(nullptr), std::invalid_argument);
  CHECK_FALSE(future.done());
}

}  // namespace test_future_exceptions
