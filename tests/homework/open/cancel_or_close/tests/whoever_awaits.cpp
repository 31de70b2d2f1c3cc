#include "loop.hpp"

namespace test_cancel_or_close {

Coroutine<> awaits(Log* log, Task<> task) {
  try {
    co_await task;
    log->push_back("ended");
  } catch (const CancelledError&) {
    log->push_back("CancelledError");
  }
}

TEST_CASE("whoever_awaits: hears of it as of any cancellation") {
  Log log;
  Loop loop;
  const Task<> task = create_task(sleeper(&log, 1h), loop);
  const Task<> other = create_task(awaits(&log, task), loop);
  bool called = false;
  task.add_done_callback([&] { called = true; });
  loop.rounds();
  close_task(task);
  // Whoever closes is not surprised by what others do with it.
  CHECK(log == Log{"goodbye"});
  CHECK_FALSE(called);
  loop.rounds();
  CHECK(log == Log{"goodbye", "CancelledError"});
  CHECK(called);
  CHECK(other.done());
}

Coroutine<> awaits_in_vain(Task<> task) { co_await task; }

TEST_CASE("whoever_awaits: cancel() goes on to what is awaited") {
  Log log;
  Loop loop;
  const Task<> inner = create_task(sleeper(&log, 1h), loop);
  const Task<> task = create_task(awaits_in_vain(inner), loop);
  loop.rounds();
  task.cancel();
  loop.rounds();
  CHECK(inner.cancelled());
  CHECK(task.cancelled());
  const Task<> other = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  CHECK(close_task(other));
}

TEST_CASE("whoever_awaits: close() does not: nobody could wait for an answer") {
  Log log;
  Loop loop;
  const Task<> inner = create_task(sleeper(&log, 1s), loop);
  const Task<> task = create_task(awaits_in_vain(inner), loop);
  loop.rounds();
  close_task(task);
  loop.rounds();
  CHECK(task.cancelled());
  CHECK_FALSE(inner.done());
  loop.run_until_idle();
  CHECK(log == Log{"slept", "goodbye"});
  CHECK_FALSE(inner.cancelled());
}

Coroutine<> closes(Log* log, Task<> task) {
  co_await sleep(1s);
  close_task(task);
  log->push_back("closed");
}

TEST_CASE("whoever_awaits: it may be closed by the one it waits for") {
  Log log;
  Loop loop;
  const Future<Task<>> later(loop);
  const auto waits = [](Future<Task<>> whom) -> Coroutine<> {
    const Task<> closer = co_await whom;
    co_await closer;
  };
  const Task<> task = create_task(waits(later), loop);
  later.set_result(create_task(closes(&log, task), loop));
  loop.run_until_idle();
  CHECK(log == Log{"closed"});
  CHECK(task.cancelled());
  CHECK(loop.reports.empty());
}

}  // namespace test_cancel_or_close
