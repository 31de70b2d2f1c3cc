#include <memory>
#include <optional>
#include <stdexcept>

#include "loop.hpp"

namespace test_can_cancel {

TEST_CASE("handle: done when the coroutine has ended, and not before") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 1s), loop);
  CHECK_FALSE(task.done());
  loop.rounds();
  CHECK_FALSE(task.done());
  loop.run();
  CHECK(task.done());
  CHECK_FALSE(task.cancelled());
  CHECK(log == Log{"slept", "goodbye"});
}

TEST_CASE("handle: copies stand for the same coroutine") {
  Log log;
  Loop loop;
  const Task task = create_task(sleeper(&log, 1s), loop);
  const Task copy = task;
  loop.run();
  CHECK(copy.done());
}

TEST_CASE("handle: nobody has to keep it") {
  Log log;
  Loop loop;
  create_task(sleeper(&log, 1s), loop);
  loop.run();
  CHECK(log == Log{"slept", "goodbye"});
}

TEST_CASE("handle: it may be kept for longer than the loop") {
  Log log;
  std::optional<Task> task;
  {
    Loop loop;
    task = create_task(sleeper(&log, 1s), loop);
    loop.rounds();
  }
  CHECK(log == Log{"goodbye"});
  CHECK(task->done());
  CHECK_FALSE(task->cancel());
}

Coroutine<> fails() {
  co_await sleep(1s);
  throw std::runtime_error("it did not work");
}

TEST_CASE("handle: whoever fails is done, and that is reported as before") {
  Loop loop;
  const Task task = create_task(fails(), loop);
  loop.run();
  CHECK(task.done());
  CHECK_FALSE(task.cancelled());
  CHECK(loop.reports == Log{"Task exception was never retrieved"});
}

}  // namespace test_can_cancel
