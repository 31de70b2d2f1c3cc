#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_create_task {

using namespace asyncio;
using Log = std::vector<std::string>;

Coroutine<> say(Log* log, std::string what) {
  log->push_back(what);
  co_return;
}

Coroutine<> fail(Log* log) {
  log->push_back("fails");
  throw std::runtime_error("out of paper");
  co_return;
}

Coroutine<> say_and_start(Log* log) {
  create_task(say(log, "child"));
  log->push_back("parent");
  co_return;
}

Coroutine<int> number(Log* log) {
  log->push_back("number");
  co_return 42;
}

/// Says when it is destroyed.
struct Witness {
  Log* log;
  explicit Witness(Log* its_log) : log(its_log) {}
  Witness(Witness&& other) : log(std::exchange(other.log, nullptr)) {}
  ~Witness() {
    if (log) {
      log->push_back("gone");
    }
  }
};

Coroutine<> hold(std::shared_ptr<int>) { co_return; }

Coroutine<> keep(Log* log, Witness) {
  const auto [left, right] = stream_pair();
  Socket reader(left);
  Socket writer(right);
  create_task(say(log, "other"));
  co_await sock_sendall(writer, "x");
  co_await wait_readable(reader);
  log->push_back("end");
}

TEST_CASE("create_task: the coroutine begins later, in the loop") {
  Log log;
  EventLoop loop;
  create_task(say(&log, "begun"), loop);
  CHECK(log.empty());
  loop.run_once();
  CHECK(log == Log{"begun"});
}

TEST_CASE("create_task: each is let go of when it has ended") {
  EventLoop loop;
  const auto held = std::make_shared<int>();
  for (int i = 0; i < 10; ++i) {
    create_task(hold(held), loop);
  }
  loop.run_once();
  CHECK(held.use_count() == 1);
}

TEST_CASE("create_task: they begin in the order in which they were made") {
  Log log;
  EventLoop loop;
  loop.call_soon([&] { log.push_back("callback"); });
  for (const char* name : {"a", "b", "c"}) {
    create_task(say(&log, name), loop);
  }
  loop.run_until_idle();
  CHECK(log == Log{"callback", "a", "b", "c"});
}

TEST_CASE("create_task: inside a running loop that one is meant") {
  Log log;
  EventLoop loop;
  create_task(say_and_start(&log), loop);
  loop.run_until_idle();
  CHECK(log == Log{"parent", "child"});
}

TEST_CASE("create_task: outside of a running loop one must say which") {
  Log log;
  EventLoop loop;
  CHECK_THROWS_AS(create_task(say(&log, "never")), std::logic_error);
  loop.run_until_idle();
  CHECK(log.empty());
}

TEST_CASE("create_task: works from a plain callback of the loop") {
  Log log;
  EventLoop loop;
  loop.call_soon([&] { create_task(say(&log, "from a callback")); });
  loop.run_until_idle();
  CHECK(log == Log{"from a callback"});
}

TEST_CASE("create_task: the loop keeps it and its parameters to the end") {
  Log log;
  EventLoop loop;
  create_task(keep(&log, Witness(&log)), loop);
  loop.run_until_idle();
  CHECK(log == Log{"other", "end", "gone"});
}

TEST_CASE("create_task: takes a coroutine that returns something") {
  Log log;
  EventLoop loop;
  create_task(number(&log), loop);
  loop.run_until_idle();
  CHECK(log == Log{"number"});
}

TEST_CASE("create_task: an exception goes to the exception handler") {
  Log log;
  EventLoop loop;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr error) {
        log.push_back(message);
        log.push_back(describe(error));
      });
  create_task(fail(&log), loop);
  create_task(say(&log, "others go on"), loop);
  loop.run_until_idle();
  REQUIRE(log.size() == 4);
  CHECK(log[0] == "fails");
  // Which of the two comes first is not promised.
  const bool reported_first = log[1] == "Task exception was never retrieved";
  const std::size_t report = reported_first ? 1 : 2;
  CHECK(log[report] == "Task exception was never retrieved");
  CHECK(log[report + 1] == "out of paper");
  CHECK(log[reported_first ? 3 : 1] == "others go on");
}

Coroutine<> fail_with(std::shared_ptr<int>) {
  throw std::runtime_error("out of paper");
  co_return;
}

TEST_CASE("create_task: let go of when there is no memory to tell of it") {
  const auto held = std::make_shared<int>();
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    create_task(fail_with(held), loop);
    const FailingAllocation failing(k);
    CHECK_NOTHROW(loop.run_once());
    has_failed = failing.has_failed();
    CHECK(held.use_count() == 1);
  }
}

TEST_CASE("create_task: a coroutine that was moved away is an error") {
  Log log;
  EventLoop loop;
  Coroutine<> here = say(&log, "once");
  create_task(std::move(here), loop);
  CHECK_THROWS_AS(create_task(std::move(here), loop), std::logic_error);
  loop.run_until_idle();
  CHECK(log == Log{"once"});
}

TEST_CASE("create_task: thousands of them") {
  Log log;
  EventLoop loop;
  for (int i = 0; i < 10000; ++i) {
    create_task(say(&log, std::to_string(i)), loop);
  }
  loop.run_until_idle();
  REQUIRE(log.size() == 10000);
  CHECK(log.front() == "0");
  CHECK(log.back() == "9999");
}

TEST_CASE("create_task: what a trace says of it") {
  Log log;
  const auto trace = traced([&] {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    create_task(say(&log, "x"), loop);
    create_task(fail(&log), loop);
    loop.run_until_idle();
  });
  const Log events{
      "b say #1 {\"coroutine\":\"say\",\"at\":\"create_task.cpp:",
      "b running",
      "X say #1",
      "e say #1 {\"end\":\"done\"}",
      "e fail #2 {\"end\":\"raised\"}",
  };
  CHECK(missing(trace, events) == Log());
}

Coroutine<> count(int* ran) {
  ++*ran;
  co_return;
}

TEST_CASE("create_task: what is not started without memory does not run") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    EventLoop loop;
    // More than the queue has places for.
    int ran = 0;
    int started = 0;
    try {
      const FailingAllocation failing(k);
      for (; started < 100; ++started) {
        create_task(count(&ran), loop);
      }
      has_failed = failing.has_failed();
    } catch (const std::bad_alloc&) {
    }
    loop.run_until_idle();
    CHECK(ran == started);
  }
}

Coroutine<> shares(std::shared_ptr<int>) { co_return; }

TEST_CASE("create_task: a closed loop takes none, and frees the coroutine") {
  EventLoop loop;
  loop.close();
  const auto owned = std::make_shared<int>();
  CHECK_THROWS_WITH_AS(
      create_task(shares(owned), loop), "the event loop is closed",
      std::logic_error);
  CHECK(owned.use_count() == 1);
}

}  // namespace test_create_task
