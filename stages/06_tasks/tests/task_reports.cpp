#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_task_reports {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// Notes what nobody could be told.
struct Loop : EventLoop {
  explicit Loop(Log* log) {
    use_virtual_clock();
    set_exception_handler(
        [log](const std::string& message, std::exception_ptr error) {
          log->push_back(
              message + (error ? " (" + describe(error) + ")" : ""));
        });
  }
};

constexpr const char* never_retrieved =
    "Task exception was never retrieved (broken)";

Coroutine<int> breaks() {
  throw std::runtime_error("broken");
  co_return 0;
}

Coroutine<> sleeps_for_an_hour() { co_await sleep(1h); }

TEST_CASE("task_reports: an exception that nobody can ask for any more") {
  Log log;
  Loop loop(&log);
  create_task(breaks(), loop);
  loop.run_until_idle();
  CHECK(log == Log{never_retrieved});
}

TEST_CASE("task_reports: not while somebody may still ask") {
  Log log;
  Loop loop(&log);
  {
    const Task<int> task = create_task(breaks(), loop);
    const Task<int> copy = task;
    loop.run_until_idle();
    CHECK(log == Log{});
  }
  CHECK(log == Log{never_retrieved});
}

TEST_CASE("task_reports: what is reported belongs to no other task") {
  Log log;
  Loop loop(&log);
  AnyTask current;
  loop.set_exception_handler([&](const std::string& message, auto) {
    log.push_back(message);
    current = current_task();
  });
  create_task(breaks(), loop, "breaks");
  const Task<> other = create_task(sleep(1s), loop, "other");
  loop.run_until_idle();
  CHECK(log.size() == 1);
  CHECK_FALSE(current);
}

Coroutine<> awaits(Task<int> task) {
  try {
    co_await task;
  } catch (const std::runtime_error&) {
  }
}

TEST_CASE("task_reports: to ask, to look or to await is enough") {
  Log log;
  Loop loop(&log);
  const Task<int> asked = create_task(breaks(), loop);
  const Task<int> looked_at = create_task(breaks(), loop);
  create_task(awaits(create_task(breaks(), loop)), loop);
  loop.run_until_idle();
  CHECK_THROWS_AS(asked.result(), std::runtime_error);
  CHECK(looked_at.exception() != nullptr);
  CHECK(log == Log{});
}

TEST_CASE("task_reports: to be cancelled is nothing to report") {
  Log log;
  Loop loop(&log);
  create_task(sleeps_for_an_hour(), loop).cancel();
  loop.run_until_idle();
  CHECK(log == Log{});
}

/// Says when it is destroyed.
struct Witness {
  Witness(Log* its_log, const char* its_name) : log(its_log), name(its_name) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { log->push_back(name); }
  Log* log;
  const char* name;
};

Coroutine<> inner(Log* log) {
  const Witness witness(log, "inner gone");
  co_await sleep(1h);
  log->push_back("not reached");
}

Coroutine<> outer(Log* log) {
  const Witness witness(log, "outer gone");
  co_await inner(log);
}

TEST_CASE("task_reports: a loop that closes names those it did not finish") {
  Log log;
  Loop loop(&log);
  const Task<> task = create_task(outer(&log), loop);
  loop.run_once();
  loop.close();
  CHECK(log == Log{
      "Task was destroyed but it is pending!", "inner gone", "outer gone"});
  CHECK_FALSE(task.done());
}

void interrupt() { throw KeyboardInterrupt(); }

TEST_CASE("task_reports: one that can be asked for, if another error ends") {
  Log log;
  Loop loop(&log);
  {
    const Task<int> task = create_task(breaks(), loop);
    loop.call_soon(interrupt);
    CHECK_THROWS_AS(loop.run_until_complete(task), KeyboardInterrupt);
    CHECK(task.done());
  }
  loop.close();
  CHECK(log == Log{never_retrieved});
}

TEST_CASE("task_reports: but not what only the run has made") {
  Log log;
  Loop loop(&log);
  loop.call_soon([&] { loop.call_soon(interrupt); });
  CHECK_THROWS_AS(loop.run_until_complete(breaks()), KeyboardInterrupt);
  loop.close();
  CHECK(log.empty());
}

TEST_CASE("task_reports: nor what the run has made and did not finish") {
  Log log;
  Loop loop(&log);
  loop.call_soon(interrupt);
  CHECK_THROWS_AS(loop.run_until_complete(sleeps_for_an_hour()),
                  KeyboardInterrupt);
  loop.close();
  CHECK(log.empty());
}

TEST_CASE("task_reports: and those it did not even begin") {
  Log log;
  Loop loop(&log);
  create_task(outer(&log), loop);
  loop.close();
  CHECK(log == Log{"Task was destroyed but it is pending!"});
}

TEST_CASE("task_reports: without memory a loop closes all the same") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    EventLoop loop;
    loop.use_virtual_clock();
    int told = 0;
    loop.set_exception_handler(
        [&](const std::string&, std::exception_ptr) { ++told; });
    Log log;
    log.reserve(4);
    create_task(sleeps_for_an_hour(), loop);
    create_task(outer(&log), loop);
    loop.run_once();
    {
      const FailingAllocation failing(k);
      CHECK_NOTHROW(loop.close());
      has_failed = failing.has_failed();
    }
    CHECK(told >= (has_failed ? 1 : 2));
    CHECK(log == Log{"inner gone", "outer gone"});
  }
}

TEST_CASE("task_reports: of one that has ended there is nothing to say") {
  Log log;
  Loop loop(&log);
  const Task<> task = create_task(sleeps_for_an_hour(), loop);
  loop.run_until_idle();
  loop.close();
  CHECK(log == Log{});
}

Coroutine<> waits_for(Task<> other) { co_await other; }

TEST_CASE("task_reports: one that waits for another, both unfinished") {
  Log log;
  Loop loop(&log);
  create_task(waits_for(create_task(outer(&log), loop)), loop);
  loop.run_once();
  loop.run_once();
  loop.close();
  CHECK(log.size() == 4);
  CHECK(all_tasks(loop).empty());
}

Coroutine<> keeps_itself(Future<Task<>> self) {
  const Task<> me = co_await self;
  co_await sleep(1h);
}

TEST_CASE("task_reports: one whose frame holds itself is freed all the same") {
  Log log;
  Loop loop(&log);
  {
    const Future<Task<>> self(loop);
    self.set_result(create_task(keeps_itself(self), loop));
  }
  loop.run_once();
  loop.close();
  CHECK(log == Log{"Task was destroyed but it is pending!"});
}

Coroutine<> waits_for_another(Task<>* other) { co_await *other; }

Coroutine<> describes_a_ring(std::string* text) {
  Task<> one;
  Task<> two;
  one = create_task(waits_for_another(&two), "one");
  two = create_task(waits_for_another(&one), "two");
  co_await sleep(0s);
  co_await sleep(0s);
  *text = to_string(one);
  // Not left marked.
  CHECK(to_string(one) == *text);
}

TEST_CASE("task_reports: a ring of those who wait ends with three dots") {
  EventLoop loop;
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  std::string text;
  create_task(describes_a_ring(&text), loop);
  for (int round = 1; round <= 3; ++round) {
    loop.run_once();
  }
  CHECK(text.find("<Task pending name='one' coro=<") == 0);
  CHECK(text.find(" wait_for=<Task pending name='two' coro=<") != text.npos);
  CHECK(text.find(" wait_for=...>>") == text.size() - 15);
}

TEST_CASE("task_reports: a handler that starts a task comes to an end") {
  EventLoop loop;
  int called = 0;
  int refused = 0;
  loop.set_exception_handler([&](const std::string&, std::exception_ptr) {
    ++called;
    try {
      create_task(sleeps_for_an_hour(), loop);
    } catch (const std::logic_error&) {
      ++refused;
    }
  });
  create_task(sleeps_for_an_hour(), loop);
  loop.close();
  CHECK(called == 1);
  CHECK(refused == 1);
}

TEST_CASE("task_reports: closing frees one whose callback holds it") {
  const auto owned = std::make_shared<int>();
  {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    const auto task = create_task(sleeps_for_an_hour(), loop);
    task.add_done_callback([task, owned] {});
    loop.run_once();
  }
  CHECK(owned.use_count() == 1);
}

/// Asks for a call as it is destroyed, and holds the task by that.
struct AddsCallback {
  ~AddsCallback() {
    me.add_done_callback([me = me, owned = owned] {});
  }
  Task<>& me;
  std::shared_ptr<int> owned;
};

Coroutine<> adds_callback(Task<>* me, std::shared_ptr<int> owned) {
  const AddsCallback at_the_end{*me, std::move(owned)};
  co_await sleep(1h);
}

TEST_CASE("task_reports: a callback that its frame adds as it goes goes, too") {
  const auto owned = std::make_shared<int>();
  Task<> task;
  {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    task = create_task(adds_callback(&task, owned), loop);
    loop.run_once();
  }
  CHECK(owned.use_count() == 1);
}

}  // namespace test_task_reports
