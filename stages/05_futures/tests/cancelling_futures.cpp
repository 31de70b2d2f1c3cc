#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_cancelling_futures {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

TEST_CASE("cancelling_futures: true the first time, and only then") {
  EventLoop loop;
  const Future<int> future(loop);
  CHECK(future.cancel());
  CHECK(future.done());
  CHECK(future.cancelled());
  CHECK_FALSE(future.cancel());
  CHECK(future.cancelled());
}

TEST_CASE("cancelling_futures: nothing can be had from it afterwards") {
  EventLoop loop;
  const Future<int> future(loop);
  future.cancel();
  CHECK_THROWS_AS(future.result(), CancelledError);
  CHECK_THROWS_AS(future.exception(), CancelledError);
  CHECK_THROWS_AS(future.result(), CancelledError);
}

TEST_CASE("cancelling_futures: nor can anything be set") {
  EventLoop loop;
  const Future<int> future(loop);
  future.cancel();
  CHECK_THROWS_AS(future.set_result(1), InvalidStateError);
  CHECK_THROWS_AS(
      future.set_exception(std::runtime_error("no")), InvalidStateError);
  CHECK(future.cancelled());
}

TEST_CASE("cancelling_futures: too late for what is done") {
  EventLoop loop;
  const Future<int> finished(loop);
  finished.set_result(1);
  CHECK_FALSE(finished.cancel());
  CHECK_FALSE(finished.cancelled());
  CHECK(finished.result() == 1);
  const Future<int> failed(loop);
  failed.set_exception(std::runtime_error("first"));
  CHECK_FALSE(failed.cancel());
  CHECK_FALSE(failed.cancelled());
  CHECK_THROWS_WITH(failed.result(), "first");
}

TEST_CASE("cancelling_futures: of whatever") {
  EventLoop loop;
  const Future<std::string> text(loop);
  const AnyFuture any = text;
  CHECK(any.cancel());
  CHECK(text.cancelled());
}

TEST_CASE("cancelling_futures: there must be one") {
  EventLoop loop;
  Future<int> future(loop);
  const Future<int> moved = std::move(future);
  CHECK_THROWS_AS(future.cancel(), std::logic_error);
  CHECK(moved.cancel());
}

TEST_CASE("cancelling_futures: told to the callbacks, as each end is") {
  EventLoop loop;
  Log log;
  const Future<int> failed(loop);
  const Future<int> cancelled(loop);
  failed.add_done_callback([&](Future<int> future) {
    log.push_back(describe(future.exception()));
  });
  cancelled.add_done_callback([&](Future<int> future) {
    log.push_back(future.cancelled() ? "cancelled" : "what?");
  });
  failed.set_exception(std::runtime_error("failed"));
  cancelled.cancel();
  loop.run_until_idle();
  CHECK(log == Log{"failed", "cancelled"});
}

std::string message_of(const AnyFuture& future) {
  try {
    future.exception();
  } catch (const CancelledError& error) {
    return error.message;
  }
  return "not cancelled";
}

TEST_CASE("cancelling_futures: with a message, or without") {
  EventLoop loop;
  const Future<int> silent(loop);
  const Future<int> talking(loop);
  silent.cancel();
  talking.cancel("changed my mind");
  talking.cancel("twice");
  CHECK(message_of(silent) == "");
  CHECK(message_of(talking) == "changed my mind");
}

Coroutine<> waits(Log* log, Future<int> future) {
  try {
    co_await future;
    log->push_back("not reached");
  } catch (const std::exception&) {
    log->push_back("an ordinary exception");
  } catch (const CancelledError& error) {
    log->push_back("cancelled: " + error.message);
  }
  co_await sleep(1s);
  log->push_back("goes on");
}

TEST_CASE("cancelling_futures: whoever awaits it has a CancelledError") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  const Future<int> future(loop);
  create_task(waits(&log, future), loop);
  loop.call_later(1s, [&] {
    CHECK(future.cancel("bye"));
    log.push_back("asked");
  });
  loop.run_until_idle();
  CHECK(log == Log{"asked", "cancelled: bye", "goes on"});
}

TEST_CASE("cancelling_futures: awaited afterwards") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  const Future<int> future(loop);
  future.cancel();
  create_task(waits(&log, future), loop);
  loop.run_until_idle();
  CHECK(log == Log{"cancelled: ", "goes on"});
}

TEST_CASE("cancelling_futures: nobody needs to hear of it") {
  EventLoop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    log.push_back(what);
  });
  { Future<int>(loop).cancel(); }
  loop.run_until_idle();
  CHECK(log.empty());
}

}  // namespace test_cancelling_futures
