#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/signals.hpp"
#include "common/testing.hpp"

namespace test_run {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

Coroutine<int> answer() {
  co_await sleep(0s);
  co_return 42;
}

Coroutine<> breaks() {
  co_await sleep(0s);
  throw std::runtime_error("broken");
}

Coroutine<std::unique_ptr<int>> make() {
  co_return std::make_unique<int>(7);
}

TEST_CASE("run: gives the result") {
  CHECK(run(answer()) == 42);
  CHECK(*run(make()) == 7);
}

TEST_CASE("run: throws the exception") {
  CHECK_THROWS_WITH_AS(run(breaks()), "broken", std::runtime_error);
}

Coroutine<> cancels_itself() {
  current_task().cancel();
  co_await sleep(1h);
}

TEST_CASE("run: was cancelled, and not by Ctrl-C") {
  CHECK_THROWS_AS(run(cancels_itself()), CancelledError);
}

Coroutine<> throws_by_itself() {
  co_await sleep(0s);
  throw CancelledError("by hand");
}

TEST_CASE("run: or was not, and throws the same") {
  CHECK_THROWS_AS(run(throws_by_itself()), CancelledError);
}

Coroutine<EventLoop*> which_loop() { co_return &get_running_loop(); }

TEST_CASE("run: a runner runs several, in the same loop") {
  Runner runner;
  EventLoop* const loop = &runner.get_loop();
  CHECK(runner.run(which_loop()) == loop);
  CHECK_THROWS_AS(runner.run(breaks()), std::runtime_error);
  CHECK(runner.run(which_loop()) == loop);
  CHECK_FALSE(loop->is_closed());
  runner.close();
  CHECK(loop->is_closed());
  runner.close();
}

Coroutine<> notes(Log* log) {
  log->push_back("began");
  co_return;
}

Coroutine<> uses(Runner* runner, Log* log, bool* refused) {
  try {
    runner->run(notes(log));
  } catch (const std::logic_error&) {
    *refused = true;
  }
  co_await sleep(0s);
}

TEST_CASE("run: not within a running loop, what it was given never begins") {
  Runner runner;
  Log log;
  bool refused = false;
  runner.run(uses(&runner, &log, &refused));
  CHECK(refused);
  EventLoop loop;
  refused = false;
  loop.run_until_complete(uses(&runner, &log, &refused));
  CHECK(refused);
  CHECK(runner.run(answer()) == 42);
  CHECK(log == Log{});
}

Coroutine<int> nests() {
  try {
    run(answer());
  } catch (const std::logic_error&) {
    co_return 1;
  }
  co_return 0;
}

TEST_CASE("run: nor with a runner of its own, which is an error, no crash") {
  CHECK(run(nests()) == 1);
}

Coroutine<> stops_the_loop() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    get_running_loop().stop();
    throw;
  }
}

Coroutine<> leaves_one_that_stops() {
  create_task(stops_the_loop());
  co_await sleep(1s);
}

TEST_CASE("run: one that stops the loop while it cleans up is reported") {
  Log log;
  {
    Runner runner;
    runner.get_loop().use_virtual_clock();
    runner.get_loop().set_exception_handler(
        [&](const std::string& message, std::exception_ptr) {
          log.push_back(message);
        });
    runner.run(leaves_one_that_stops());
  }
  REQUIRE_FALSE(log.empty());
  CHECK(log.back() == "unhandled exception during asyncio.run() shutdown");
}

TEST_CASE("run: a closed runner runs nothing") {
  Runner runner;
  runner.get_loop();
  runner.close();
  CHECK_THROWS_WITH_AS(
      runner.run(answer()), "the runner is closed", std::logic_error);
  CHECK_THROWS_AS(runner.get_loop(), std::logic_error);
  runner.close();
}

TEST_CASE("run: a runner that was not used has nothing to close") {
  Runner runner;
  runner.close();
  CHECK(runner.run(answer()) == 42);
}

/// Sleeps for an hour; says how it was ended, and takes its time for that.
Coroutine<> left_over(Log* log, std::string name, Seconds clean_up) {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (cancelled) {
    log->push_back(name + " cancelled");
    co_await sleep(clean_up);
    log->push_back(name + " tidy");
    throw CancelledError();
  }
}

Coroutine<int> leaves_some(Log* log) {
  create_task(left_over(log, "one", 1s));
  create_task(left_over(log, "two", 2s));
  co_await sleep(1s);
  log->push_back("main ends");
  co_return 42;
}

TEST_CASE("run: those that are left are cancelled and waited for") {
  Log log;
  {
    Runner runner;
    runner.get_loop().use_virtual_clock();
    CHECK(runner.run(leaves_some(&log)) == 42);
    CHECK(log == Log{"main ends"});
  }
  CHECK(log
        == Log{"main ends", "one cancelled", "two cancelled", "one tidy",
               "two tidy"});
}

TEST_CASE("run: also if nothing was run but they") {
  Log log;
  Runner runner;
  runner.get_loop().use_virtual_clock();
  create_task(left_over(&log, "one", 1s), runner.get_loop());
  runner.get_loop().run_once();
  runner.close();
  CHECK(log == Log{"one cancelled", "one tidy"});
}

TEST_CASE("run: a runner whose loop was closed by hand has nothing to do") {
  Runner runner;
  CHECK(runner.run(answer()) == 42);
  runner.get_loop().close();
  runner.close();
  CHECK_THROWS_AS(runner.run(answer()), std::logic_error);
}

Coroutine<> drops_the_plate() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    throw std::runtime_error("the plate");
  }
}

Coroutine<> leaves_it() {
  create_task(drops_the_plate());
  co_await sleep(1s);
}

TEST_CASE("run: what goes wrong while they clean up is reported") {
  Log log;
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.get_loop().set_exception_handler(
      [&](const std::string& message, std::exception_ptr error) {
        log.push_back(message);
        log.push_back(error ? describe(error) : "no exception");
      });
  runner.run(leaves_it());
  runner.close();
  CHECK(log
        == Log{"unhandled exception during asyncio.run() shutdown",
               "the plate"});
}

Coroutine<> refuses(Log* log) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
  }
  co_await sleep(1h);
  log->push_back("has its way");
}

Coroutine<> leaves_one_that_refuses(Log* log) {
  create_task(refuses(log));
  co_await sleep(1s);
}

TEST_CASE("run: one that refuses is waited for as well") {
  Log log;
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(leaves_one_that_refuses(&log));
  runner.close();
  CHECK(log == Log{"has its way"});
}

Coroutine<> cleans_up(Log* log) {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    log->push_back("tidy");
    throw;
  }
}

Coroutine<> closes_its_own(Runner* runner, Log* log) {
  create_task(cleans_up(log));
  co_await sleep(0s);
  CHECK_THROWS_AS(runner->close(), std::logic_error);
}

TEST_CASE("run: a runner that is in use is not closed, and can be later") {
  Log log;
  Runner runner;
  CHECK_THROWS_AS(runner.run(closes_its_own(&runner, &log)), CancelledError);
  create_task(cleans_up(&log), runner.get_loop());
  runner.run(as_coroutine(sleep(0s)));
  log.clear();
  runner.close();
  CHECK(log == Log{"tidy"});
}

TEST_CASE("run: between two runs the tasks stand still, and go on then") {
  Log log;
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(leaves_some(&log));
  CHECK(all_tasks(runner.get_loop()).size() == 2);
  CHECK(runner.run(answer()) == 42);
  CHECK(log == Log{"main ends"});
  CHECK(all_tasks(runner.get_loop()).size() == 2);
}

Coroutine<> raises_interrupt() {
  throw KeyboardInterrupt();
  co_return;
}

Coroutine<> is_interrupted(std::vector<std::string>* log, bool by_a_task) {
  if (by_a_task) {
    create_task(raises_interrupt());
  } else {
    get_running_loop().call_soon([] { throw KeyboardInterrupt(); });
  }
  get_running_loop().call_soon([log] { log->push_back("still called"); });
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    log->push_back("cancelled");
    throw;
  }
}

TEST_CASE("run: KeyboardInterrupt of a task or a callback ends it at once") {
  for (const bool by_a_task : {true, false}) {
    Log log;
    {
      Runner runner;
      runner.get_loop().use_virtual_clock();
      runner.get_loop().set_exception_handler(
          [](const std::string&, std::exception_ptr) {});
      CHECK_THROWS_AS(runner.run(is_interrupted(&log, by_a_task)),
                      KeyboardInterrupt);
      CHECK(log.empty());
    }
    CHECK(log == Log{"still called", "cancelled"});
  }
}

TEST_CASE("run: or of main itself, which nobody reports then") {
  Log log;
  {
    Runner runner;
    runner.get_loop().set_exception_handler(
        [&](const std::string& message, std::exception_ptr) {
          log.push_back(message);
        });
    CHECK_THROWS_AS(runner.run(raises_interrupt()), KeyboardInterrupt);
  }
  CHECK(log.empty());
}

Coroutine<> ends_at_once() { co_return; }

Coroutine<> leaves_a_callback(Log* log) {
  create_task(ends_at_once()).add_done_callback([log] {
    log->push_back("called");
  });
  co_return;
}

TEST_CASE("run: what is due at the end is still called") {
  Log log;
  run(leaves_a_callback(&log));
  CHECK(log == Log{"called"});
}

Coroutine<> says_its_name(Log* log, std::string name) {
  log->push_back(name);
  co_return;
}

TEST_CASE("run: one that cannot start leaves nothing for the next") {
  Log log;
  Runner runner;
  bool refused = false;
  try {
    const SignalPipe taken;
    runner.run(says_its_name(&log, "first"));
  } catch (const std::logic_error&) {
    // Only until each loop has a pipe of its own.
    refused = true;
  }
  runner.run(says_its_name(&log, "second"));
  CHECK(log == (refused ? Log{"second"} : Log{"first", "second"}));
}

Coroutine<> joins(Task<>* other) { co_await *other; }

Coroutine<> a_ring_of_two() {
  Task<> one;
  Task<> two;
  one = create_task(joins(&two));
  two = create_task(joins(&one));
  co_await sleep(1s);
  CHECK_THROWS_AS(one.cancel(), RecursionError);
  CHECK_FALSE(one.done());
}

TEST_CASE("run: a ring of tasks is an error, and it ends all the same") {
  Log log;
  {
    Runner runner;
    runner.get_loop().use_virtual_clock();
    runner.get_loop().set_exception_handler(
        [&](const std::string& message, std::exception_ptr) {
          log.push_back(message);
        });
    runner.run(a_ring_of_two());
  }
  CHECK(log == Log{"Task was destroyed but it is pending!",
                   "Task was destroyed but it is pending!",
                   "unhandled exception during asyncio.run() shutdown"});
}

TEST_CASE("run: in a loop that somebody else has made") {
  int made = 0;
  Runner runner([&made] {
    ++made;
    auto loop = std::make_unique<EventLoop>();
    loop->use_virtual_clock();
    return loop;
  });
  CHECK(made == 0);
  runner.run(as_coroutine(sleep(1h)));
  CHECK(made == 1);
  CHECK(runner.get_loop().time() == 1h);
}

TEST_CASE("run: or that nobody has made") {
  Runner runner([] { return std::unique_ptr<EventLoop>(); });
  CHECK_THROWS_AS(runner.run(answer()), std::invalid_argument);
}

}  // namespace test_run
