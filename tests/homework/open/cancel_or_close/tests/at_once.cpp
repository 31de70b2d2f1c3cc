#include "loop.hpp"

namespace test_cancel_or_close {

TEST_CASE("at_once: when close_task returns, all is gone") {
  Log log;
  Loop loop;
  const Task<> task = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  CHECK(close_task(task));
  CHECK(log == Log{"goodbye"});
  CHECK(task.done());
  CHECK(task.cancelled());
  loop.run_until_idle();
  CHECK(loop.time() == 0s);
  CHECK(log == Log{"goodbye"});
  CHECK(loop.reports.empty());
}

TEST_CASE("at_once: cancel() only asks") {
  Log log;
  Loop loop;
  const Task<> task = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  CHECK(task.cancel());
  CHECK(log.empty());
  CHECK_FALSE(task.done());
  loop.rounds();
  CHECK(task.cancelled());
  const Task<> other = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  close_task(other);
  CHECK(other.done());
}

Coroutine<> reads(int fd) { co_await sock_recv(fd, 100); }

TEST_CASE("at_once: its registration goes with the frame") {
  Loop loop;
  const auto [left, right] = stream_pair();
  const Socket here(left, loop);
  const Socket there(right, loop);
  const Task<> task = create_task(reads(here), loop);
  loop.rounds();
  CHECK(loop.is_watched(here, EVENT_READ));
  close_task(task);
  CHECK_FALSE(loop.is_watched(here, EVENT_READ));
}

Coroutine<> outer(Log* log) {
  try {
    co_await sleeper(log, 1h);
  } catch (const CancelledError&) {
    log->push_back("CancelledError");
    throw;
  } catch (const GeneratorExit&) {
    log->push_back("GeneratorExit");
    throw;
  }
}

TEST_CASE("at_once: it sees GeneratorExit, innermost first") {
  Log log;
  Loop loop;
  const Task<> task = create_task(outer(&log), loop);
  loop.rounds();
  close_task(task);
  CHECK(log == Log{"goodbye", "GeneratorExit"});
}

TEST_CASE("at_once: one that has not begun never does") {
  Log log;
  Loop loop;
  const Task<> task = create_task(sleeper(&log, 1s), loop);
  CHECK(close_task(task));
  loop.run_until_idle();
  CHECK(log.empty());
  CHECK(task.cancelled());
  CHECK(loop.reports.empty());
}

TEST_CASE("at_once: there is nothing to end twice") {
  Log log;
  Loop loop;
  const Task<> closed = create_task(sleeper(&log, 1h), loop);
  const Task<> ended = create_task(sleeper(&log, 0s), loop);
  loop.rounds();
  CHECK(close_task(closed));
  CHECK_FALSE(close_task(closed));
  CHECK_FALSE(closed.cancel());
  CHECK_FALSE(close_task(ended));
  CHECK_FALSE(ended.cancelled());
}

}  // namespace test_cancel_or_close
