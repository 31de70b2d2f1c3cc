#include <exception>

#include "loop.hpp"

namespace test_can_cancel {

TEST_CASE("cancel: ends a sleep, and destroys what the coroutine has") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  CHECK(task.cancel());
  // It is only asked for: nobody but the loop resumes a coroutine.
  CHECK_FALSE(task.done());
  CHECK(log.empty());
  loop.rounds();
  CHECK(task.done());
  CHECK(task.cancelled());
  CHECK(log == Log{"goodbye"});
  CHECK(loop.reports.empty());
}

TEST_CASE("cancel: takes the timer back") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  task.cancel();
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(loop.time() == 0s);
}

Coroutine<> reads(Log* log, int fd) {
  const Goodbye goodbye(log);
  log->push_back(co_await sock_recv(fd, 100));
}

TEST_CASE("cancel: takes the registration back, so that others may wait") {
  Log log;
  Loop loop;
  const auto [left, right] = stream_pair();
  const Socket here(left, loop);
  const Socket there(right, loop);
  const Task task = create_task(reads(&log, here), loop);
  loop.rounds();
  CHECK(loop.is_watched(here, EVENT_READ));
  task.cancel();
  loop.rounds();
  CHECK(task.cancelled());
  CHECK_FALSE(loop.is_watched(here, EVENT_READ));
  const Task next = create_task(reads(&log, here), loop);
  loop.rounds();
  CHECK(::send(there, "x", 1, 0) == 1);
  loop.rounds();
  CHECK(log == Log{"goodbye", "x", "goodbye"});
  CHECK(loop.reports.empty());
}

Coroutine<> one_level(Log* log, int depth) {
  const Goodbye goodbye(log);
  if (depth > 0) {
    co_await one_level(log, depth - 1);
  } else {
    co_await sleep(1h);
  }
  log->push_back("went on");
}

TEST_CASE("cancel: through a chain of coroutines, innermost first") {
  Log log;
  Loop loop;
  const Task task = create_task(one_level(&log, 2), loop);
  loop.rounds();
  task.cancel();
  loop.rounds();
  CHECK(task.cancelled());
  CHECK(log == Log{"goodbye", "goodbye", "goodbye"});
}

Coroutine<> catches_errors(Log* log) {
  try {
    co_await sleep(1h);
  } catch (const std::exception&) {
    log->push_back("caught");
  }
}

TEST_CASE("cancel: is no error") {
  Log log;
  Loop loop;
  const Task task = create_task(catches_errors(&log), loop);
  loop.rounds();
  task.cancel();
  loop.rounds();
  CHECK(task.cancelled());
  CHECK(log.empty());
}

}  // namespace test_can_cancel
