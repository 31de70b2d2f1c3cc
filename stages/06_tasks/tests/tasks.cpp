#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_tasks {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<int> answer(Log* log) {
  log->push_back("asked");
  co_await sleep(1s);
  co_return 42;
}

Coroutine<> fail() {
  co_await sleep(1s);
  throw std::runtime_error("out of paper");
}

Coroutine<> starts_one(Log* log) {
  const Task<int> task = create_task(answer(log));
  log->push_back("started");
  CHECK_FALSE(task.done());
  log->push_back(std::to_string(co_await task));
}

TEST_CASE("tasks: one begins when its starter lets it, not at once") {
  Loop loop;
  Log log;
  loop.run_until_complete(create_task(starts_one(&log), loop));
  CHECK(log == Log{"started", "asked", "42"});
  CHECK(loop.time() == 1s);
}

TEST_CASE("tasks: a result can be asked for afterwards, again and again") {
  Loop loop;
  Log log;
  const Task<int> task = create_task(answer(&log), loop);
  CHECK_THROWS_AS(task.result(), InvalidStateError);
  CHECK_THROWS_AS(task.exception(), InvalidStateError);
  loop.run_until_idle();
  CHECK(task.done());
  CHECK_FALSE(task.cancelled());
  CHECK(task.result() == 42);
  CHECK(task.result() == 42);
  CHECK(task.exception() == nullptr);
}

TEST_CASE("tasks: an exception waits in the task, it harms nobody else") {
  Loop loop;
  Log log;
  const Task<> failing = create_task(fail(), loop);
  const Task<int> other = create_task(answer(&log), loop);
  loop.run_until_idle();
  CHECK(other.result() == 42);
  CHECK(failing.done());
  CHECK_FALSE(failing.cancelled());
  CHECK(failing.exception() != nullptr);
  CHECK_THROWS_WITH_AS(failing.result(), "out of paper", std::runtime_error);
}

Coroutine<> level(int depth) {
  if (depth == 0) {
    co_await fail();
  } else {
    co_await create_task(level(depth - 1));
  }
}

Coroutine<> catches(Log* log) {
  try {
    co_await level(3);
  } catch (const std::runtime_error& error) {
    log->push_back(error.what());
  }
}

TEST_CASE("tasks: an exception goes through three levels of tasks") {
  Loop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& message, auto) {
    log.push_back(message);
  });
  loop.run_until_complete(create_task(catches(&log), loop));
  CHECK(log == Log{"out of paper"});
}

Coroutine<> reads(Task<int> task, int* sum) { *sum += co_await task; }

TEST_CASE("tasks: several may await the same one, before and after its end") {
  Loop loop;
  Log log;
  int sum = 0;
  const Task<int> task = create_task(answer(&log), loop);
  for (int i = 0; i < 3; ++i) {
    create_task(reads(task, &sum), loop);
  }
  loop.run_until_idle();
  CHECK(sum == 3 * 42);
  create_task(reads(task, &sum), loop);
  loop.run_until_idle();
  CHECK(sum == 4 * 42);
  CHECK(log == Log{"asked"});
}

Coroutine<> takes_time(Log* log, std::string name, Seconds delay) {
  co_await sleep(delay);
  log->push_back(name);
}

Coroutine<> together(Log* log) {
  const Task<> slow = create_task(takes_time(log, "slow", 3s));
  const Task<> quick = create_task(takes_time(log, "quick", 1s));
  co_await slow;
  co_await quick;
}

TEST_CASE("tasks: two run at the same time, whichever is awaited first") {
  Loop loop;
  Log log;
  loop.run_until_complete(create_task(together(&log), loop));
  CHECK(log == Log{"quick", "slow"});
  CHECK(loop.time() == 3s);
}

Coroutine<std::unique_ptr<int>> make() {
  co_return std::make_unique<int>(7);
}

Coroutine<> takes(Log* log) {
  const Task<std::unique_ptr<int>> task = create_task(make());
  const std::unique_ptr<int> seven = co_await task;
  log->push_back(std::to_string(*seven));
  CHECK_THROWS_AS(task.result(), InvalidStateError);
}

TEST_CASE("tasks: a result that cannot be copied moves out, once") {
  Loop loop;
  Log log;
  loop.run_until_complete(create_task(takes(&log), loop));
  CHECK(log == Log{"7"});
}

TEST_CASE("tasks: done callbacks are told in their order, by the loop") {
  Loop loop;
  Log log;
  const Task<int> task = create_task(answer(&log), loop);
  task.add_done_callback([&] { log.push_back("first"); });
  task.add_done_callback([&](const Future<int>& future) {
    log.push_back(std::to_string(future.result()));
  });
  const auto id = task.add_done_callback([&] { log.push_back("removed"); });
  CHECK(task.remove_done_callback(id) == 1);
  loop.run_until_idle();
  CHECK(log == Log{"asked", "first", "42"});
  task.add_done_callback([&] { log.push_back("late"); });
  CHECK(log.back() == "42");
  loop.run_until_idle();
  CHECK(log.back() == "late");
}

/// Says when it is destroyed.
struct Witness {
  explicit Witness(Log* its_log) : log(its_log) {}
  Witness(Witness&& other) noexcept
      : log(std::exchange(other.log, nullptr)) {}
  ~Witness() {
    if (log) {
      log->push_back("frame gone");
    }
  }
  Log* log;
};

Coroutine<> holds(Log* log, Witness) {
  co_await sleep(1s);
  log->push_back("end");
}

TEST_CASE("tasks: whoever keeps a task does not keep the frame") {
  Loop loop;
  Log log;
  Witness witness(&log);
  const Task<> task = create_task(holds(&log, std::move(witness)), loop);
  loop.run_until_idle();
  CHECK(task.done());
  CHECK(log == Log{"end", "frame gone"});
}

TEST_CASE("tasks: the loop keeps one that nobody else keeps") {
  Loop loop;
  Log log;
  Witness witness(&log);
  create_task(holds(&log, std::move(witness)), loop);
  loop.run_until_idle();
  CHECK(log == Log{"end", "frame gone"});
}

TEST_CASE("tasks: one may outlive its loop") {
  auto loop = std::make_unique<Loop>();
  Log log;
  const Task<int> task = create_task(answer(&log), *loop);
  CHECK(&task.get_loop() == loop.get());
  loop->run_until_idle();
  loop.reset();
  CHECK(task.result() == 42);
  CHECK_THROWS_AS(task.get_loop(), std::logic_error);
}

Coroutine<> awaits_itself(Future<Task<>> self, Log* log) {
  const Task<> me = co_await self;
  try {
    co_await me;
  } catch (const std::logic_error& error) {
    log->push_back(error.what());
  }
}

TEST_CASE("tasks: to await oneself is an error, not a silence") {
  Loop loop;
  Log log;
  const Future<Task<>> self(loop);
  const Task<> task = create_task(awaits_itself(self, &log), loop);
  self.set_result(task);
  loop.run_until_idle();
  CHECK(log == Log{"task cannot await on itself"});
  CHECK(task.done());
}

Coroutine<> awaits_itself_again(Future<Task<>> self, Log* log) {
  const Task<> me = co_await self;
  for (int i = 0; i < 2; ++i) {
    get_running_loop().call_soon([log] { log->push_back("others"); });
    try {
      co_await me;
    } catch (const std::logic_error&) {
      log->push_back("refused");
    }
  }
}

TEST_CASE("tasks: what went wrong at a co_await is told in the next round") {
  Loop loop;
  Log log;
  const Future<Task<>> self(loop);
  self.set_result(create_task(awaits_itself_again(self, &log), loop));
  loop.run_until_idle();
  CHECK(log == Log{"others", "refused", "others", "refused"});
}

TEST_CASE("tasks: nobody but its coroutine gives it a result") {
  Loop loop;
  Log log;
  const Task<int> task = create_task(answer(&log), loop);
  CHECK_THROWS_AS(task.set_result(1), std::logic_error);
  CHECK_THROWS_AS(
      task.set_exception(std::runtime_error("no")), std::logic_error);
  const Future<int> future = task;
  CHECK_THROWS_AS(future.set_result(1), std::logic_error);
  CHECK_FALSE(task.done());
  loop.run_until_idle();
  CHECK(task.result() == 42);
}

Coroutine<long> chain(long length) {
  if (length == 0) {
    co_return 0;
  }
  co_return 1 + co_await create_task(chain(length - 1));
}

TEST_CASE("tasks: ten thousand, each waiting for the next") {
  Loop loop;
  CHECK(loop.run_until_complete(create_task(chain(10000), loop)) == 10000);
}

TEST_CASE("tasks: what a trace says of them") {
  Log log;
  const auto trace = traced([&] {
    Loop loop;
    const Task<> task = create_task(starts_one(&log), loop);
    const Task<> failing = create_task(fail(), loop);
    loop.run_until_idle();
    CHECK(failing.exception() != nullptr);
  });
  const Log events{
      "b starts_one #1 {\"coroutine\":\"starts_one\",\"at\":\"tasks.cpp:",
      "X starts_one #1",
      "b answer #3",
      "b waits for answer #3 {\"line\":",
      "e answer #3 {\"end\":\"done\"}",
      "e starts_one #1 {\"end\":\"done\"}",
      "e fail #2 {\"end\":\"raised\"}",
  };
  CHECK(missing(trace, events) == Log());
}

TEST_CASE("tasks: an empty one is none, and says so") {
  Task<int> task;
  CHECK_FALSE(task);
  CHECK_THROWS_AS(task.done(), std::logic_error);
  CHECK_THROWS_AS(task.cancel(), std::logic_error);
  CHECK_THROWS_AS(task.result(), std::logic_error);
  CHECK_THROWS_AS(to_string(task), std::logic_error);
}

Coroutine<int> gives_seven() { co_return 7; }

TEST_CASE("tasks: a done callback may take the task") {
  EventLoop loop;
  std::vector<std::string> log;
  const auto task = create_task(gives_seven(), loop);
  task.add_done_callback([&](const Task<int>& done) {
    log.push_back(std::to_string(done.result()));
  });
  loop.run_until_complete(task);
  loop.call_soon([] {});
  loop.run_once();
  CHECK(log == std::vector<std::string>{"7"});
}

Coroutine<> awaits_any(AnyFuture any, std::vector<std::string>* log) {
  try {
    co_await any;
    log->push_back("done");
  } catch (const std::runtime_error& error) {
    log->push_back(error.what());
  }
}

TEST_CASE("tasks: any future can be awaited, whatever its result is") {
  EventLoop loop;
  std::vector<std::string> log;
  const Future<int> good(loop);
  const Future<std::string> bad(loop);
  create_task(awaits_any(good, &log), loop);
  create_task(awaits_any(bad, &log), loop);
  loop.run_once();
  good.set_result(1);
  bad.set_exception(std::runtime_error("eels"));
  loop.run_until_idle();
  CHECK(log == std::vector<std::string>{"done", "eels"});
}

TEST_CASE("tasks: but not none at all") {
  EventLoop loop;
  std::string error;
  const auto awaits_none = [](std::string* text) -> Coroutine<> {
    const AnyFuture none;
    try {
      co_await none;
    } catch (const std::logic_error& caught) {
      *text = caught.what();
    }
  };
  create_task(awaits_none(&error), loop);
  loop.run_until_idle();
  CHECK(error == "there is no future: empty or moved from");
}

TEST_CASE("tasks: futures that keep each other die without memory, too") {
  EventLoop loop;
  Future<> future(loop);
  for (int i = 0; i < 300; ++i) {
    const Future<> next(loop);
    next.add_done_callback([future] { future.cancel(); });
    future = next;
  }
  const FailingAllocation failing(1);
  future = Future<>(nullptr);
  CHECK(failing.has_failed());
}

struct Link {
  AnyFuture next;
};

Coroutine<Link> link(AnyFuture next) { co_return Link{std::move(next)}; }

TEST_SUITE("huge") {
  TEST_CASE("tasks: a million futures that keep each other") {
    on_small_stack(256 * 1024, [] {
      EventLoop loop;
      Future<> future(loop);
      for (int i = 0; i < 1'000'000; ++i) {
        const Future<> next(loop);
        next.add_done_callback([future] { future.cancel(); });
        future = next;
      }
    });
  }

  TEST_CASE("tasks: a million results that keep the next future") {
    on_small_stack(256 * 1024, [] {
      EventLoop loop;
      AnyFuture last;
      for (int i = 0; i < 1'000'000; ++i) {
        const Future<Link> next(loop);
        next.set_result(Link{last});
        last = next;
      }
      for (int i = 0; i < 10'000; ++i) {
        last = create_task(link(last), loop);
        loop.run_until_idle();
      }
    });
  }

  TEST_CASE("tasks: a million exceptions that keep the next future") {
    on_small_stack(256 * 1024, [] {
      EventLoop loop;
      AnyFuture last;
      for (int i = 0; i < 1'000'000; ++i) {
        const Future<> next(loop);
        next.set_exception(Link{last});
        next.exception();
        last = next;
      }
    });
  }
}

}  // namespace test_tasks
