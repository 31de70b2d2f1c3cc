#include <memory>
#include <optional>
#include <stdexcept>

#include "loop.hpp"

namespace test_can_cancel {

Coroutine<> waits_for(Log* log, std::string name, Task task) {
  co_await join(task);
  log->push_back(name + " at " +
                 std::to_string(static_cast<int>(
                     get_running_loop().time().count())));
}

Coroutine<> fails_after_a_second() {
  co_await sleep(1s);
  throw std::runtime_error("it did not work");
}

TEST_CASE("join: goes on when the task has ended") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 2s), loop);
  create_task(waits_for(&log, "a", task), loop);
  create_task(waits_for(&log, "b", task), loop);
  loop.run();
  CHECK(log == Log{"slept", "goodbye", "a at 2", "b at 2"});
}

TEST_CASE("join: however it has ended, and not with its exception") {
  Log log;
  Loop loop;
  const Task failed = create_task(fails_after_a_second(), loop);
  const Task cancelled = create_task(sleeper(&log, 1h), loop);
  create_task(waits_for(&log, "a", failed), loop);
  create_task(waits_for(&log, "b", cancelled), loop);
  loop.call_later(3s, [&] { cancelled.cancel(); });
  loop.run();
  CHECK(log == Log{"a at 1", "goodbye", "b at 3"});
  CHECK(loop.reports.size() == 1);
}

TEST_CASE("join: at once if it has ended already") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 1s), loop);
  loop.rounds();
  task.cancel();
  loop.rounds();
  create_task(waits_for(&log, "a", task), loop);
  loop.rounds();
  CHECK(log == Log{"goodbye", "a at 0"});
}

TEST_CASE("join: whoever waits may be cancelled, and the task goes on") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 2s), loop);
  const Task a = create_task(waits_for(&log, "a", task), loop);
  const Task b = create_task(waits_for(&log, "b", task), loop);
  loop.rounds();
  a.cancel();
  loop.rounds();
  CHECK(a.cancelled());
  CHECK_FALSE(task.done());
  loop.run();
  CHECK(log == Log{"slept", "goodbye", "b at 2"});
  CHECK_FALSE(task.cancelled());
  CHECK(b.done());
}

Coroutine<> waits_for_itself(
    Log* log,
    std::shared_ptr<std::optional<Task>> me
) {
  try {
    co_await join(**me);
  } catch (const std::logic_error&) {
    log->push_back("refused");
  }
}

TEST_CASE("join: a task cannot wait for itself") {
  Log log;
  Loop loop;
  const auto me = std::make_shared<std::optional<Task>>();
  *me = create_task(waits_for_itself(&log, me), loop);
  loop.run();
  CHECK(log == Log{"refused"});
}

TEST_CASE("join: the loop may close meanwhile") {
  Log log;
  {
    Loop loop;
    const Task task = create_task(sleeper(&log, 2s), loop);
    create_task(waits_for(&log, "a", task), loop);
    loop.rounds();
  }
  CHECK(log == Log{"goodbye"});
}

}  // namespace test_can_cancel
