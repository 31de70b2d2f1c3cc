#include <stdexcept>

#include "loop.hpp"

namespace test_cancel_or_close {

/// Ends a sleep by whatever exception comes, and takes its time then.
Coroutine<> cleans_up(Log* log) {
  const Goodbye goodbye(log);
  bool interrupted = false;
  try {
    co_await sleep(1h);
  } catch (...) {
    interrupted = true;
  }
  if (interrupted) {
    co_await sleep(2s);
    log->push_back("cleaned up");
  }
}

TEST_CASE("no_answer: cancel() lets it take its time, and refuse") {
  Log log;
  Loop loop;
  const Task<> task = create_task(cleans_up(&log), loop);
  loop.rounds();
  task.cancel();
  loop.run_until_idle();
  CHECK(log == Log{"cleaned up", "goodbye"});
  CHECK_FALSE(task.cancelled());
  const Task<> closed = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  CHECK(close_task(closed));
}

TEST_CASE("no_answer: close() does not, and says so") {
  Log log;
  Loop loop;
  const Task<> task = create_task(cleans_up(&log), loop);
  loop.rounds();
  bool closed = false;
  loop.call_soon([&] { closed = close_task(task); });
  loop.rounds();
  CHECK(closed);
  CHECK(log == Log{"goodbye"});
  CHECK(task.cancelled());
  CHECK(loop.reports.size() == 1);
  loop.run_until_idle();
  CHECK(log == Log{"goodbye"});
  CHECK(loop.time() == 0s);
}

Coroutine<> fails_at_the_end() {
  try {
    co_await sleep(1h);
  } catch (const GeneratorExit&) {
    throw std::runtime_error("it cannot be cleaned up");
  }
}

TEST_CASE("no_answer: what it throws is said, not thrown") {
  Loop loop;
  const Task<> task = create_task(fails_at_the_end(), loop);
  loop.rounds();
  bool closed = false;
  CHECK_NOTHROW(closed = close_task(task));
  CHECK(closed);
  CHECK(task.cancelled());
  CHECK(loop.reports.size() == 1);
}

Coroutine<int> returns_instead() {
  try {
    co_await sleep(1h);
  } catch (const GeneratorExit&) {
  }
  co_return 42;
}

TEST_CASE("no_answer: one may return, but nobody gets that") {
  Loop loop;
  const Task<int> task = create_task(returns_instead(), loop);
  loop.rounds();
  CHECK(close_task(task));
  CHECK(task.cancelled());
  CHECK(loop.reports.empty());
}

}  // namespace test_cancel_or_close
