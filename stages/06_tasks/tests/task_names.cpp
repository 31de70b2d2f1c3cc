#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_task_names {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> nap() { co_await sleep(1s); }

Coroutine<> says_its_name(Log* log) {
  log->push_back(current_task().get_name());
  co_await sleep(1s);
  log->push_back(current_task().get_name());
}

TEST_CASE("task_names: one is given, it can be changed") {
  Loop loop;
  Log log;
  const Task<> task = create_task(says_its_name(&log), loop, "first");
  CHECK(task.get_name() == "first");
  loop.call_later(500ms, [&] { task.set_name("second"); });
  loop.run_until_idle();
  CHECK(log == Log{"first", "second"});
  CHECK(task.get_name() == "second");
  task.set_name("afterwards");
  CHECK(AnyTask(task).get_name() == "afterwards");
}

TEST_CASE("task_names: an empty one has none, and says so") {
  const Task<> task;
  CHECK_THROWS_AS(task.get_name(), std::logic_error);
}

TEST_CASE("task_names: those without one are numbered") {
  Loop loop;
  const Task<> one = create_task(nap(), loop);
  const Task<> two = create_task(nap(), loop);
  CHECK(one.get_name().substr(0, 5) == "Task-");
  const long number = std::stol(one.get_name().substr(5));
  CHECK(two.get_name() == "Task-" + std::to_string(number + 1));
  loop.run_until_idle();
}

Coroutine<> child(Log* log) {
  log->push_back("in " + current_task().get_name());
  co_return;
}

Coroutine<> parent(Log* log) {
  co_await child(log);
  co_await create_task(child(log), "child");
  log->push_back("in " + current_task().get_name());
}

TEST_CASE("task_names: an awaited coroutine is part of its task") {
  Loop loop;
  Log log;
  create_task(parent(&log), loop, "parent");
  loop.run_until_idle();
  CHECK(log == Log{"in parent", "in child", "in parent"});
}

TEST_CASE("task_names: a callback runs in no task") {
  Loop loop;
  bool asked = false;
  create_task(nap(), loop);
  loop.call_later(500ms, [&] {
    CHECK_FALSE(current_task());
    asked = true;
  });
  loop.run_until_idle();
  CHECK(asked);
}

TEST_CASE("task_names: outside of a loop there is none, which is an error") {
  CHECK_THROWS_AS(current_task(), std::logic_error);
}

TEST_CASE("task_names: the current one is the very task") {
  Loop loop;
  AnyTask seen;
  const auto look = [](AnyTask* current) -> Coroutine<> {
    *current = current_task();
    co_return;
  };
  const Task<> task = create_task(look(&seen), loop);
  loop.run_until_idle();
  CHECK(seen == task);
  CHECK(seen.done());
}

Log names(const std::vector<AnyTask>& tasks) {
  Log result;
  for (const AnyTask& task : tasks) {
    result.push_back(task.get_name());
  }
  return result;
}

TEST_CASE("task_names: all that are not done, the oldest first") {
  Loop loop;
  CHECK(all_tasks(loop).empty());
  create_task(sleep(500ms), loop, "gone first");
  create_task(nap(), loop, "short");
  create_task(sleep(3s), loop, "long");
  create_task(sleep(2s), loop, "middle");
  CHECK(all_tasks(loop).size() == 4);
  loop.call_later(700ms, [&] {
    CHECK(names(all_tasks()) == Log{"short", "long", "middle"});
  });
  loop.call_later(2500ms, [&] { CHECK(names(all_tasks()) == Log{"long"}); });
  loop.run_until_idle();
  CHECK(all_tasks(loop).empty());
}

TEST_CASE("task_names: each loop has its own") {
  Loop one;
  Loop other;
  create_task(nap(), one, "here");
  CHECK(names(all_tasks(one)) == Log{"here"});
  CHECK(all_tasks(other).empty());
  CHECK_THROWS_AS(all_tasks(), std::logic_error);
  one.run_until_idle();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr int answer_line = __LINE__ + 1;
Coroutine<int> answer(Future<> future) {
  co_await future;
  co_return 42;
}

/// What is printed of the task "asker" while it is at that line.
std::string asker_at(int line) {
  return "<Task pending name='asker' coro=<answer() running at "
         "task_names.cpp:" + std::to_string(line) + ">";
}

TEST_CASE("task_names: what is printed of one that runs, waits, has ended") {
  Loop loop;
  const Future<> future(loop);
  const Task<int> task = create_task(answer(future), loop, "asker");
  // Before it begins it is at its first line; for g++ that is where it ends.
  const std::string begun = to_string(task);
  CAPTURE(begun);
  CHECK((begun == asker_at(answer_line) + ">" ||
         begun == asker_at(answer_line + 3) + ">"));
  loop.call_later(1s, [&] {
    CHECK(to_string(task)
          == asker_at(answer_line + 1) + " wait_for=<Future pending>>");
    future.set_result();
  });
  loop.run_until_idle();
  CHECK(to_string(task)
        == "<Task finished name='asker' coro=<answer() done> result=42>");
}

Coroutine<> breaks() {
  throw std::runtime_error("broken");
  co_return;
}

TEST_CASE("task_names: what is printed of one that failed or was cancelled") {
  Loop loop;
  const Task<> failed = create_task(breaks(), loop, "a");
  const Task<> cancelled = create_task(nap(), loop, "b");
  cancelled.cancel();
  loop.run_until_idle();
  CHECK(to_string(failed)
        == "<Task finished name='a' coro=<breaks() done> exception='broken'>");
  CHECK(to_string(cancelled) == "<Task cancelled name='b' coro=<nap() done>>");
  CHECK(failed.exception() != nullptr);
}

TEST_CASE("task_names: what is printed of one whose loop has closed") {
  Loop loop;
  loop.set_exception_handler([](const std::string&, auto) {});
  const Task<> task = create_task(nap(), loop, "shell");
  loop.run_once();
  loop.close();
  CHECK(to_string(task) == "<Task pending name='shell' coro=<nap() done>>");
}

TEST_CASE("task_names: a done callback may take the task") {
  Loop loop;
  std::string name;
  const Task<> task = create_task(nap(), loop, "sleeper");
  task.add_done_callback([&](AnyTask done) { name = done.get_name(); });
  loop.run_until_idle();
  CHECK(name == "sleeper");
}

TEST_CASE("task_names: what is printed of one whose loop is gone") {
  std::optional<Task<>> task;
  {
    Loop loop;
    loop.set_exception_handler([](const std::string&, auto) {});
    task = create_task(nap(), loop, "shell");
    loop.run_once();
  }
  CHECK(to_string(*task) == "<Task pending name='shell' coro=<nap() done>>");
}

TEST_CASE("task_names: no task has none, nor has one that was moved away") {
  Loop loop;
  const std::string error = "there is no future: empty or moved from";
  AnyTask task = create_task(nap(), loop);
  const AnyTask moved = std::move(task);
  for (const AnyTask& none : {AnyTask(), task}) {
    CHECK_THROWS_WITH(none.get_name(), error.c_str());
    CHECK_THROWS_WITH(none.set_name("nap"), error.c_str());
    CHECK_THROWS_WITH(static_cast<void>(none < moved), error.c_str());
    CHECK_THROWS_WITH(static_cast<void>(moved < none), error.c_str());
  }
  loop.run_until_idle();
}

Coroutine<> waits_for(Task<> task) { co_await task; }

TEST_CASE("task_names: who waits for a task says for which") {
  Loop loop;
  const Task<> inner = create_task(nap(), loop, "inner");
  const Task<> outer = create_task(waits_for(inner), loop, "outer");
  loop.call_later(500ms, [&] {
    CHECK(contains(to_string(outer), " wait_for=<Task pending name='inner'"));
  });
  loop.run_until_idle();
}

}  // namespace test_task_names
