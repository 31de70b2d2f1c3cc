#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_task_cleanup {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

/// Lets it run for a second, then cancels it, and runs it to its end.
template <class T>
void cancel_after_1s(EventLoop& loop, const Task<T>& task) {
  loop.call_later(1s, [task] { task.cancel("why"); });
  loop.run_until_idle();
}

Coroutine<> cleans_up(Log* log) {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (cancelled) {
    co_await sleep(5s);
    log->push_back("tidy");
    throw CancelledError("why");
  }
}

TEST_CASE("task_cleanup: it may take its time, and is cancelled then") {
  Loop loop;
  Log log;
  const Task<> task = create_task(cleans_up(&log), loop);
  cancel_after_1s(loop, task);
  CHECK(log == Log{"tidy"});
  CHECK(task.cancelled());
  CHECK(loop.time() == 6s);
}

TEST_CASE("task_cleanup: cancelled once more while it cleans up") {
  Loop loop;
  Log log;
  const Task<> task = create_task(cleans_up(&log), loop);
  loop.call_later(2s, [&] { CHECK(task.cancel()); });
  cancel_after_1s(loop, task);
  CHECK(log == Log{});
  CHECK(task.cancelled());
  CHECK(loop.time() == 2s);
}

Coroutine<> lets_others_run(Log* log) {
  bool cancelled = false;
  try {
    co_await sleep(0s);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  co_await sleep(5s);
  log->push_back(cancelled ? "tidy" : "over");
}

TEST_CASE("task_cleanup: cancelled while it waits for nothing: once, no more") {
  Loop loop;
  Log log;
  const Task<> task = create_task(lets_others_run(&log), loop);
  loop.call_soon([&] { CHECK(task.cancel()); });
  loop.run_until_idle();
  CHECK(log == Log{"tidy"});
  CHECK_FALSE(task.cancelled());
}

Coroutine<int> refuses() {
  for (int times = 1;; ++times) {
    try {
      co_await sleep(10s);
      co_return times;
    } catch (const CancelledError&) {
    }
  }
}

TEST_CASE("task_cleanup: it may refuse, then it was not cancelled") {
  Loop loop;
  const Task<int> task = create_task(refuses(), loop);
  cancel_after_1s(loop, task);
  CHECK_FALSE(task.cancelled());
  CHECK(task.result() == 2);
  CHECK(loop.time() == 11s);
}

TEST_CASE("task_cleanup: refusing once is no promise for the second time") {
  Loop loop;
  const Task<int> task = create_task(refuses(), loop);
  loop.call_later(2s, [&] { CHECK(task.cancel()); });
  cancel_after_1s(loop, task);
  CHECK(task.result() == 3);
  CHECK(loop.time() == 12s);
}

Coroutine<int> cancels_itself_and_awaits(Task<int> other) {
  current_task().cancel();
  co_return co_await other;
}

TEST_CASE("task_cleanup: whom it awaits then may refuse in its place") {
  Loop loop;
  const Task<int> other = create_task(refuses(), loop);
  loop.run_once();
  const Task<int> task = create_task(cancels_itself_and_awaits(other), loop);
  loop.run_until_idle();
  CHECK_FALSE(task.cancelled());
  CHECK(task.result() == 2);
}

Coroutine<> replaces() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    throw std::runtime_error("broke the vase");
  }
}

TEST_CASE("task_cleanup: another exception takes the place of this one") {
  Loop loop;
  const Task<> task = create_task(replaces(), loop);
  cancel_after_1s(loop, task);
  CHECK_FALSE(task.cancelled());
  CHECK_THROWS_WITH_AS(task.result(), "broke the vase", std::runtime_error);
}

Coroutine<> lets_pass() { co_await sleep(1h); }

template <class T>
std::string message_of(const Task<T>& task) {
  try {
    task.result();
  } catch (const CancelledError& error) {
    return "cancelled: " + error.message;
  }
  return "not cancelled";
}

Coroutine<> awaits(Task<> task, Log* log) {
  try {
    co_await task;
  } catch (const CancelledError& error) {
    log->push_back(error.message);
  }
}

TEST_CASE("task_cleanup: the message reaches whoever asks") {
  Loop loop;
  Log log;
  const Task<> task = create_task(lets_pass(), loop);
  create_task(awaits(task, &log), loop);
  cancel_after_1s(loop, task);
  CHECK(message_of(task) == "cancelled: why");
  CHECK(log == Log{"why"});
}

Coroutine<> catches_ordinary(Log* log) {
  try {
    co_await sleep(1h);
  } catch (const std::exception&) {
    log->push_back("caught");
  }
}

TEST_CASE("task_cleanup: to catch all that is ordinary does not catch it") {
  Loop loop;
  Log log;
  const Task<> task = create_task(catches_ordinary(&log), loop);
  cancel_after_1s(loop, task);
  CHECK(log == Log{});
  CHECK(task.cancelled());
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
  const Witness witness(log, "inner");
  co_await sleep(1h);
}

Coroutine<> outer(Log* log) {
  const Witness witness(log, "outer");
  co_await inner(log);
}

TEST_CASE("task_cleanup: destructors run, the innermost frame's first") {
  Loop loop;
  Log log;
  const Task<> task = create_task(outer(&log), loop);
  cancel_after_1s(loop, task);
  CHECK(log == Log{"inner", "outer"});
}

Coroutine<> worker(Log* log) {
  const Witness witness(log, "worker gone");
  co_await sleep(1h);
}

Coroutine<> ends_its_worker(Log* log) {
  const Task<> task = create_task(worker(log));
  co_await sleep(1s);
  task.cancel();
  log->push_back("asked");
  try {
    co_await task;
  } catch (const CancelledError&) {
    log->push_back("awaited");
  }
  co_await sleep(1s);
  log->push_back("goes on");
}

TEST_CASE("task_cleanup: cancel() asks; whoever awaits knows it is over") {
  Loop loop;
  Log log;
  loop.run_until_complete(create_task(ends_its_worker(&log), loop));
  CHECK(log == Log{"asked", "worker gone", "awaited", "goes on"});
}

}  // namespace test_task_cleanup
