#include <memory>
#include <optional>
#include <stdexcept>

#include "loop.hpp"

namespace test_cancel_or_close {

Coroutine<> awaits_number(Log* log, Future<int> number) {
  const Goodbye goodbye(log);
  log->push_back(std::to_string(co_await number));
}

TEST_CASE("already_woken: a step that is in the queue comes to nothing") {
  Log log;
  Loop loop;
  const Future<int> number(loop);
  {
    const Task<> task = create_task(awaits_number(&log, number), loop);
    loop.rounds();
    number.set_result(42);
    CHECK(close_task(task));
  }
  loop.rounds();
  CHECK(log == Log{"goodbye"});
  CHECK(loop.reports.empty());
}

Coroutine<> counts(Log* log) {
  for (const char* text : {"one", "two", "three"}) {
    log->push_back(text);
    co_await sleep(0s);
  }
}

TEST_CASE("already_woken: nor the first, nor that of one who lets others run") {
  Log log;
  Loop loop;
  close_task(create_task(counts(&log), loop));
  const Task<> task = create_task(counts(&log), loop);
  loop.run_once();
  CHECK(close_task(task));
  loop.rounds();
  CHECK(log == Log{"one"});
  CHECK(loop.reports.empty());
}

TEST_CASE("already_woken: nor one that cancel() has asked for") {
  Log log;
  Loop loop;
  const Task<> task = create_task(sleeper(&log, 1h), loop);
  loop.rounds();
  CHECK(task.cancel());
  CHECK(close_task(task));
  CHECK(log == Log{"goodbye"});
  loop.rounds();
  CHECK(log == Log{"goodbye"});
  CHECK(loop.reports.empty());
}

TEST_CASE("already_woken: the others are stepped as ever") {
  Log log;
  Loop loop;
  const Task<> first = create_task(counts(&log), loop);
  const Task<> second = create_task(counts(&log), loop);
  loop.run_once();
  close_task(first);
  loop.run_until_idle();
  CHECK(log == Log{"one", "one", "two", "three"});
  CHECK(second.done());
  CHECK_FALSE(second.cancelled());
}

using Me = std::shared_ptr<std::optional<Task<>>>;

Coroutine<> closes_itself(Log* log, Me me) {
  try {
    close_task(**me);
  } catch (const std::logic_error&) {
    log->push_back("refused");
  }
  co_await sleep(1s);
  log->push_back("went on");
}

TEST_CASE("already_woken: one that runs cannot be closed") {
  Log log;
  Loop loop;
  const Me me = std::make_shared<std::optional<Task<>>>();
  *me = create_task(closes_itself(&log, me), loop);
  loop.run_until_idle();
  CHECK(log == Log{"refused", "went on"});
  CHECK_FALSE((*me)->cancelled());
  CHECK(loop.reports.empty());
}

}  // namespace test_cancel_or_close
