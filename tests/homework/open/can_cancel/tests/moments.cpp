#include <memory>
#include <optional>

#include "loop.hpp"

namespace test_can_cancel {

Coroutine<> says_hello(Log* log) {
  log->push_back("hello");
  co_await sleep(1s);
}

TEST_CASE("moments: before it began, it never does") {
  Log log;
  Loop loop;
  const Task task = create_task(says_hello(&log), loop);
  CHECK(task.cancel());
  loop.run();
  CHECK(log.empty());
  CHECK(task.cancelled());
}

Coroutine<> counts(Log* log) {
  for (const char* text : {"one", "two", "three"}) {
    log->push_back(text);
    co_await sleep(0s);
  }
}

TEST_CASE("moments: while it only lets the others run") {
  Log log;
  Loop loop;
  const Task task = create_task(counts(&log), loop);
  loop.run_once();
  CHECK(task.cancel());
  loop.run();
  CHECK(log == Log{"one"});
  CHECK(task.cancelled());
}

Coroutine<> sleeps_twice(Log* log) {
  co_await sleep(1s);
  log->push_back("once");
  co_await sleep(1s);
  log->push_back("twice");
}

TEST_CASE("moments: in the round in which its time has come") {
  Log log;
  Loop loop;
  std::optional<Task> task;
  // It is due first, and called first.
  loop.call_later(1s, [&] { CHECK(task->cancel()); });
  task = create_task(sleeps_twice(&log), loop);
  loop.run();
  CHECK(log.empty());
  CHECK(task->cancelled());
}

Coroutine<> cancels_itself(Log* log, std::shared_ptr<std::optional<Task>> me) {
  log->push_back((*me)->cancel() ? "yes" : "no");
  log->push_back("still here");
  co_await sleep(1h);
  log->push_back("went on");
}

TEST_CASE("moments: by itself, it hears of it at its next co_await") {
  Log log;
  Loop loop;
  const auto me = std::make_shared<std::optional<Task>>();
  *me = create_task(cancels_itself(&log, me), loop);
  loop.rounds();
  CHECK((*me)->cancelled());
  CHECK(log == Log{"yes", "still here"});
  loop.run_until_idle();
  CHECK(loop.time() == 0s);
}

Coroutine<> counts_cancellations(Log* log) {
  for (int i = 0; i < 3; ++i) {
    try {
      co_await sleep(1s);
    } catch (const CancelledError&) {
      log->push_back("cancelled");
    }
  }
}

TEST_CASE("moments: twice before it hears of it is once") {
  Log log;
  Loop loop;
  const Task task = create_task(counts_cancellations(&log), loop);
  loop.rounds();
  CHECK(task.cancel());
  CHECK(task.cancel());
  loop.run();
  CHECK(log == Log{"cancelled"});
  CHECK(task.done());
}

}  // namespace test_can_cancel
