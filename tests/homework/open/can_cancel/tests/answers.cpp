#include <stdexcept>

#include "loop.hpp"

namespace test_can_cancel {

TEST_CASE("answers: false from one that has ended") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 1s), loop);
  const Task cancelled = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  CHECK(cancelled.cancel());
  loop.run();
  CHECK_FALSE(task.cancel());
  CHECK_FALSE(task.cancelled());
  CHECK_FALSE(cancelled.cancel());
  CHECK(cancelled.cancelled());
}

Coroutine<> cleans_up(Log* log) {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  // Not in the handler: there one cannot await.
  if (cancelled) {
    co_await sleep(2s);
    log->push_back("cleaned up");
    throw CancelledError();
  }
}

TEST_CASE("answers: one may take its time") {
  Log log;
  Loop loop;
  const Task task = create_task(cleans_up(&log), loop);
  loop.rounds();
  task.cancel();
  loop.rounds();
  CHECK_FALSE(task.done());
  loop.run();
  CHECK(log == Log{"cleaned up"});
  CHECK(task.cancelled());
}

Coroutine<> refuses(Log* log) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    log->push_back("no");
  }
  co_await sleep(1s);
  log->push_back("to the end");
}

TEST_CASE("answers: one may refuse, and be asked again") {
  Log log;
  Loop loop;
  const Task task = create_task(refuses(&log), loop);
  loop.rounds();
  task.cancel();
  SUBCASE("once") {
    loop.run();
    CHECK(log == Log{"no", "to the end"});
    CHECK_FALSE(task.cancelled());
  }
  SUBCASE("twice") {
    loop.rounds();
    CHECK(task.cancel());
    loop.run();
    CHECK(log == Log{"no"});
    CHECK(task.cancelled());
  }
  CHECK(task.done());
}

Coroutine<> fails_instead() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    throw std::runtime_error("something else");
  }
}

TEST_CASE("answers: one may fail instead") {
  Loop loop;
  const Task task = create_task(fails_instead(), loop);
  loop.rounds();
  task.cancel();
  loop.run();
  CHECK(task.done());
  CHECK_FALSE(task.cancelled());
  CHECK(loop.reports == Log{"Task exception was never retrieved"});
}

}  // namespace test_can_cancel
