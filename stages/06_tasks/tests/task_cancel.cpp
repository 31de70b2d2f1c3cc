#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_task_cancel {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

/// Says where it was cancelled, and lets it pass.
template <class Awaitable>
Coroutine<> waits(Log* log, Awaitable awaitable) {
  try {
    co_await awaitable;
    log->push_back("over");
  } catch (const CancelledError& error) {
    log->push_back("cancelled" + error.message);
    throw;
  }
}

void run_a_little(EventLoop& loop) {
  for (int i = 0; i < 3; ++i) {
    loop.call_soon([] {});
    loop.run_once();
  }
}

TEST_CASE("task_cancel: before it began, not one line of it runs") {
  Loop loop;
  Log log;
  const Task<> task = create_task(waits(&log, sleep(1s)), loop);
  CHECK(task.cancel());
  CHECK_FALSE(task.done());
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{});
}

TEST_CASE("task_cancel: while it waits for a future, which is cancelled too") {
  Loop loop;
  Log log;
  const Future<> future(loop);
  const Task<> task = create_task(waits(&log, future), loop);
  run_a_little(loop);
  CHECK(task.cancel(", enough"));
  CHECK(future.cancelled());
  CHECK_FALSE(task.done());
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"cancelled, enough"});
}

TEST_CASE("task_cancel: while it sleeps, and its timer goes with it") {
  Loop loop;
  Log log;
  const Task<> task = create_task(waits(&log, sleep(1h)), loop);
  loop.call_later(1s, [&] { CHECK(task.cancel()); });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"cancelled"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("task_cancel: while it only lets the others run") {
  Loop loop;
  Log log;
  const Task<> task = create_task(waits(&log, sleep(0s)), loop);
  loop.call_soon([&] { CHECK(task.cancel()); });
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"cancelled"});
}

Coroutine<> reads(Log* log, int fd) {
  co_await waits(log, wait_readable(fd));
}

TEST_CASE("task_cancel: while it waits for a descriptor, which is let go") {
  Loop loop;
  Log log;
  const auto [left, right] = stream_pair();
  const Socket reader(left, loop);
  const Socket writer(right, loop);
  const Task<> task = create_task(reads(&log, reader), loop);
  run_a_little(loop);
  CHECK(loop.is_watched(reader, EVENT_READ));
  task.cancel();
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"cancelled"});
  CHECK_FALSE(loop.is_watched(reader, EVENT_READ));
  create_task(sock_sendall(writer, "x"), loop);
  const Task<std::string> next = create_task(sock_recv(reader, 10), loop);
  loop.run_until_idle();
  CHECK(next.result() == "x");
}

TEST_CASE("task_cancel: while it waits for a task: the inner one first") {
  Loop loop;
  Log log;
  const Task<> inner = create_task(waits(&log, sleep(1h)), loop);
  const Task<> outer = create_task(waits(&log, inner), loop);
  run_a_little(loop);
  outer.cancel("!");
  loop.run_until_idle();
  CHECK(inner.cancelled());
  CHECK(outer.cancelled());
  CHECK(log == Log{"cancelled!", "cancelled!"});
  CHECK(loop.time() == 0s);
}

TEST_CASE("task_cancel: whoever awaits a cancelled task gets the error") {
  Loop loop;
  Log log;
  const Task<> inner = create_task(waits(&log, sleep(1h)), loop);
  const Task<> one = create_task(waits(&log, inner), loop);
  const Task<> two = create_task(waits(&log, inner), loop);
  run_a_little(loop);
  inner.cancel();
  loop.run_until_idle();
  CHECK(one.cancelled());
  CHECK(two.cancelled());
  CHECK(log == Log{"cancelled", "cancelled", "cancelled"});
}

TEST_CASE("task_cancel: twice before it could run counts once") {
  Loop loop;
  Log log;
  const Task<> task = create_task(waits(&log, sleep(1h)), loop);
  run_a_little(loop);
  CHECK(task.cancel(" 1"));
  CHECK(task.cancel(" 2"));
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"cancelled 1"});
}

TEST_CASE("task_cancel: after the end there is nothing to cancel") {
  Loop loop;
  Log log;
  const Task<> task = create_task(waits(&log, sleep(1s)), loop);
  loop.run_until_idle();
  CHECK_FALSE(task.cancel());
  CHECK_FALSE(task.cancelled());
  CHECK(log == Log{"over"});
  const Task<> other = create_task(waits(&log, sleep(1s)), loop);
  other.cancel();
  loop.run_until_idle();
  CHECK_FALSE(other.cancel());
  CHECK(other.cancelled());
}

TEST_CASE("task_cancel: the result was there already, it is lost") {
  Loop loop;
  Log log;
  const Future<> future(loop);
  const Task<> task = create_task(waits(&log, future), loop);
  run_a_little(loop);
  future.set_result();
  CHECK(task.cancel());
  loop.run_until_idle();
  CHECK_FALSE(future.cancelled());
  CHECK(task.cancelled());
  CHECK(log == Log{"cancelled"});
}

template <class T>
using Self = std::optional<Task<T>>;

Coroutine<> cancels_itself(Self<void>* self, Log* log) {
  (*self)->cancel();
  log->push_back("still here");
  co_await waits(log, sleep(1h));
}

TEST_CASE("task_cancel: of oneself takes effect at the next co_await") {
  Loop loop;
  Log log;
  Self<void> task;
  task = create_task(cancels_itself(&task, &log), loop);
  loop.run_until_idle();
  CHECK(task->cancelled());
  CHECK(log == Log{"still here", "cancelled"});
  CHECK(loop.time() == 0s);
}

Coroutine<int> cancels_itself_last(Self<int>* self) {
  (*self)->cancel(" too late to say no");
  co_return 42;
}

/// The message of the CancelledError that asking for the result throws.
template <class T>
std::string message_of(const Task<T>& task) {
  try {
    task.result();
  } catch (const CancelledError& error) {
    return error.message;
  }
  return " was not cancelled";
}

TEST_CASE("task_cancel: of oneself with no co_await left: no result") {
  Loop loop;
  Self<int> task;
  task = create_task(cancels_itself_last(&task), loop);
  loop.run_until_idle();
  CHECK(task->cancelled());
  CHECK_THROWS_AS(task->result(), CancelledError);
  CHECK_THROWS_AS(task->exception(), CancelledError);
  CHECK(message_of(*task) == " too late to say no");
}

Coroutine<> cancels_and_awaits_itself(Self<void>* self, Log* log) {
  const Task<> me = **self;
  me.cancel();
  co_await waits(log, me);
}

TEST_CASE("task_cancel: of one who awaits what cannot be awaited") {
  Loop loop;
  Log log;
  Self<void> task;
  task = create_task(cancels_and_awaits_itself(&task, &log), loop);
  loop.run_until_idle();
  CHECK(task->cancelled());
  CHECK(log == Log{"cancelled"});
}

Coroutine<> cancels_itself_and_fails(Self<void>* self) {
  (*self)->cancel();
  throw std::runtime_error("broken");
  co_return;
}

TEST_CASE("task_cancel: an exception of its own goes before") {
  Loop loop;
  Self<void> task;
  task = create_task(cancels_itself_and_fails(&task), loop);
  loop.run_until_idle();
  CHECK_FALSE(task->cancelled());
  CHECK_THROWS_AS(task->result(), std::runtime_error);
}

Coroutine<int> throws_by_itself() {
  throw CancelledError(" by hand");
  co_return 0;
}

TEST_CASE("task_cancel: a CancelledError of its own counts as cancelled") {
  Loop loop;
  const Task<int> task = create_task(throws_by_itself(), loop);
  loop.run_until_idle();
  CHECK(task.cancelled());
}

TEST_CASE("task_cancel: a cancelled future cancels whoever awaits it") {
  Loop loop;
  Log log;
  const Future<> future(loop);
  const Task<> task = create_task(waits(&log, future), loop);
  run_a_little(loop);
  future.cancel(" from outside");
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Log{"cancelled from outside"});
}

TEST_CASE("task_cancel: others that wait for the same future get it too") {
  Loop loop;
  Log log;
  const Future<> future(loop);
  const Task<> one = create_task(waits(&log, future), loop);
  const Task<> two = create_task(waits(&log, future), loop);
  run_a_little(loop);
  one.cancel();
  loop.run_until_idle();
  CHECK(one.cancelled());
  CHECK(two.cancelled());
}

Coroutine<> deep(Log* log, int depth) {
  try {
    if (depth == 0) {
      co_await sleep(1h);
    } else {
      co_await deep(log, depth - 1);
    }
  } catch (const CancelledError&) {
    log->push_back(std::to_string(depth));
    throw;
  }
}

TEST_CASE("task_cancel: goes through all frames, the innermost first") {
  Loop loop;
  Log log;
  const Task<> task = create_task(deep(&log, 2), loop);
  run_a_little(loop);
  task.cancel();
  loop.run_until_idle();
  CHECK(log == Log{"0", "1", "2"});
}

TEST_CASE("task_cancel: what a trace says of it") {
  Log log;
  const auto trace = traced([&] {
    Loop loop;
    const Task<> task = create_task(deep(&log, 0), loop);
    run_a_little(loop);
    task.cancel();
    loop.run_until_idle();
  });
  const Log events{"n cancel", "e deep #1 {\"end\":\"cancelled\"}"};
  CHECK(missing(trace, events) == Log());
}

Coroutine<> sleeps_for_an_hour() { co_await sleep(1h); }

Coroutine<> joins_one(Task<> other) { co_await other; }

Coroutine<> a_long_chain(int length) {
  std::vector<Task<>> tasks{create_task(sleeps_for_an_hour())};
  for (int i = 0; i < length; ++i) {
    tasks.push_back(create_task(joins_one(tasks.back())));
  }
  co_await sleep(1s);
  bool cancelled = false;
  try {
    cancelled = tasks.back().cancel();
  } catch (const RecursionError&) {
  }
  // As in Python, where the limit is 1000.
  CHECK(cancelled == (length < 999));
  tasks.front().cancel();
  co_await sleep(0s);
  for (int i = 0; i <= length; ++i) {
    co_await sleep(0s);
  }
  CHECK(tasks.back().cancelled());
}

TEST_CASE("task_cancel: a chain of those who wait for each other") {
  for (const int length : {1, 500, 2000}) {
    Loop loop;
    create_task(a_long_chain(length), loop);
    loop.run_until_idle();
  }
}

Coroutine<> fails_with_eels() {
  throw std::runtime_error("eels");
  co_return;
}

Coroutine<> cancels_one_that_failed() {
  const auto task = create_task(fails_with_eels());
  co_await sleep(1s);
  CHECK_FALSE(task.cancel());
}

Coroutine<> is_woken_by_a_failure_and_cancelled(Future<> future) {
  co_await future;
}

Coroutine<> cancels_one_that_is_woken() {
  const Future<> future;
  const auto task =
      create_task(is_woken_by_a_failure_and_cancelled(future));
  co_await sleep(1s);
  future.set_exception(std::runtime_error("eels"));
  task.cancel("mine");
  co_await sleep(1s);
  CHECK(task.cancelled());
}

TEST_CASE("task_cancel: what it replaces counts as retrieved") {
  std::vector<std::string> log;
  for (const auto program :
       {cancels_one_that_failed, cancels_one_that_is_woken}) {
    Loop loop;
    loop.set_exception_handler(
        [&](const std::string& message, std::exception_ptr) {
          log.push_back(message);
        });
    create_task(program(), loop);
    loop.run_until_idle();
  }
  CHECK(log.empty());
}

Coroutine<> reads_again_at_once() {
  const auto [here, there] = stream_pair();
  Socket left(here);
  Socket right(there);
  const auto first = create_task(sock_recv(left, 10));
  co_await sleep(1s);
  co_await sock_sendall(right, "x");
  first.cancel();
  const std::string data = co_await sock_recv(left, 10);
  CHECK(data == "x");
  CHECK(first.cancelled());
}

TEST_CASE("task_cancel: one that reads lets go of its descriptor at once") {
  Loop loop;
  const Task<> task = create_task(reads_again_at_once(), loop);
  loop.run_until_complete(task);
}

TEST_CASE("task_cancel: it ends without memory for the message, too") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    INFO("allocation: " << k);
    Loop loop;
    const Task<> task = create_task(as_coroutine(sleep(1h)), loop);
    loop.run_once();
    task.cancel("a message that is too long to be kept without memory");
    const FailingAllocation failing(k);
    try {
      loop.run_until_idle();
    } catch (const std::bad_alloc&) {
    }
    has_failed = failing.has_failed();
    CHECK(task.cancelled());
  }
}

}  // namespace test_task_cancel
