#include <csignal>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_whose_cancellation {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> nap(Seconds delay) { co_await sleep(delay); }

/// Says how it ended, and with how many requests left.
Coroutine<> log_end(Log* log, std::string name, Coroutine<> coroutine) {
  std::string how = " in time";
  std::exception_ptr exception;
  try {
    co_await coroutine;
  } catch (const TimeoutError&) {
    how = " TimeoutError";
  } catch (const CancelledError&) {
    how = " CancelledError";
    exception = std::current_exception();
  }
  const int left = current_task().cancelling();
  log->push_back(name + how + " " + std::to_string(left));
  if (exception) {
    std::rethrow_exception(exception);
  }
}

Coroutine<> limited(Log* log, Seconds limit, Coroutine<> body) {
  co_await log_end(log, "scope", async_with(timeout(limit), std::move(body)));
}

Coroutine<> inner_body(Log* log, Seconds limit) {
  co_await log_end(log, "inner", async_with(timeout(limit), nap(10s)));
  co_await sleep(1s);
}

/// A timeout around one whose TimeoutError is caught, and a second more.
Coroutine<> nested(Log* log, Seconds inner, Seconds outer) {
  Coroutine<> body = inner_body(log, inner);
  co_await log_end(log, "outer", async_with(timeout(outer), std::move(body)));
}

TEST_CASE("whose_cancellation: of two timeouts the inner is first") {
  Loop loop;
  Log log;
  loop.run_until_complete(nested(&log, 1s, 3s));
  CHECK(log == Log{"inner TimeoutError 0", "outer in time 0"});
  CHECK(loop.time() == 2s);
}

TEST_CASE("whose_cancellation: the outer is first") {
  Loop loop;
  Log log;
  loop.run_until_complete(nested(&log, 3s, 1s));
  CHECK(log == Log{"inner CancelledError 1", "outer TimeoutError 0"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("whose_cancellation: both at once, the outer has it") {
  Loop loop;
  Log log;
  loop.run_until_complete(nested(&log, 1s, 1s));
  CHECK(log == Log{"inner CancelledError 1", "outer TimeoutError 0"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("whose_cancellation: somebody else's, no timeout") {
  Loop loop;
  Log log;
  const auto task = create_task(limited(&log, 2s, nap(10s)), loop);
  loop.call_later(1s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"scope CancelledError 1"});
  CHECK(task.cancelled());
  CHECK(loop.time() == 1s);
}

TEST_CASE("whose_cancellation: somebody else's, at the same moment") {
  Loop loop;
  Log log;
  const auto task = create_task(limited(&log, 1s, nap(10s)), loop);
  loop.call_at(1s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"scope CancelledError 1"});
  CHECK(task.cancelled());
}

/// Cleans up for two seconds when it is cancelled.
Coroutine<> tidy() {
  std::exception_ptr cancelled;
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  co_await sleep(2s);
  std::rethrow_exception(cancelled);
}

TEST_CASE("whose_cancellation: somebody else's, in the clean-up") {
  Loop loop;
  Log log;
  const auto task = create_task(limited(&log, 1s, tidy()), loop);
  loop.call_at(2s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"scope CancelledError 1"});
  CHECK(loop.time() == 2s);
}

/// Limits its own clean-up.
Coroutine<> limits_its_clean_up(Log* log) {
  std::exception_ptr cancelled;
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  co_await log_end(log, "clean-up", async_with(timeout(1s), nap(10s)));
  std::rethrow_exception(cancelled);
}

TEST_CASE("whose_cancellation: what was asked before the body is not its own") {
  Loop loop;
  Log log;
  const auto task = create_task(limits_its_clean_up(&log), loop);
  loop.call_at(1s, [task] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"clean-up TimeoutError 1"});
  CHECK(task.cancelled());
  CHECK(loop.time() == 2s);
}

Coroutine<> presses_ctrl_c() {
  std::raise(SIGINT);
  co_await sleep(10s);
}

TEST_CASE("whose_cancellation: Ctrl-C at the same moment, no timeout") {
  Runner runner;
  bool timed_out = false;
  const auto main = [&]() -> Coroutine<> {
    try {
      co_await async_with(timeout(0s), presses_ctrl_c());
    } catch (const TimeoutError&) {
      timed_out = true;
    }
  };
  CHECK_THROWS_AS(runner.run(main()), KeyboardInterrupt);
  CHECK(!timed_out);
}

}  // namespace test_whose_cancellation
