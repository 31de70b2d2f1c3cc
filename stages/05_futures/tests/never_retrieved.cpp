#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_never_retrieved {

using namespace asyncio;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  explicit Loop(Log* log) {
    set_exception_handler([log](const std::string& what, std::exception_ptr e) {
      log->push_back(what + ": " + describe(e));
    });
  }
};

const char* const report = "Future exception was never retrieved: no";

TEST_CASE("never_retrieved: told when the last who holds it lets go") {
  Log log;
  Loop loop(&log);
  {
    std::optional<Future<int>> future(loop);
    {
      const Future<int> copy = *future;
      copy.set_exception(std::runtime_error("no"));
    }
    loop.run_until_idle();
    CHECK(log.empty());
    future.reset();
    CHECK(log == Log{report});
  }
  loop.run_until_idle();
  CHECK(log == Log{report});
}

TEST_CASE("never_retrieved: result() has retrieved it") {
  Log log;
  Loop loop(&log);
  {
    const Future<int> future(loop);
    future.set_exception(std::runtime_error("no"));
    CHECK_THROWS_AS(future.result(), std::runtime_error);
  }
  CHECK(log.empty());
}

TEST_CASE("never_retrieved: exception() has retrieved it") {
  Log log;
  Loop loop(&log);
  {
    const Future<int> future(loop);
    future.set_exception(std::runtime_error("no"));
    CHECK(future.exception() != nullptr);
  }
  CHECK(log.empty());
}

Coroutine<> awaits(Log* log, Future<int> future) {
  try {
    co_await future;
  } catch (const std::runtime_error& error) {
    log->push_back(std::string("caught: ") + error.what());
  }
}

TEST_CASE("never_retrieved: whoever awaits it has retrieved it") {
  Log log;
  Loop loop(&log);
  {
    const Future<int> future(loop);
    create_task(awaits(&log, future), loop);
    loop.run_once();
    future.set_exception(std::runtime_error("no"));
  }
  loop.run_until_idle();
  CHECK(log == Log{"caught: no"});
}

TEST_CASE("never_retrieved: done() and cancelled() only look at it") {
  Log log;
  Loop loop(&log);
  {
    const Future<int> future(loop);
    future.set_exception(std::runtime_error("no"));
    CHECK(future.done());
    CHECK_FALSE(future.cancelled());
    CHECK_THROWS_AS(future.set_result(1), InvalidStateError);
    CHECK(to_string(future) != "");
  }
  CHECK(log == Log{report});
}

TEST_CASE("never_retrieved: a callback that does not ask") {
  Log log;
  Loop loop(&log);
  {
    const Future<int> future(loop);
    future.add_done_callback([&] { log.push_back("called"); });
    future.set_exception(std::runtime_error("no"));
  }
  CHECK(log.empty());
  loop.run_until_idle();
  CHECK(log == Log{"called", report});
}

TEST_CASE("never_retrieved: who cancels it does not want to know") {
  Log log;
  Loop loop(&log);
  {
    const Future<int> future(loop);
    future.set_exception(std::runtime_error("no"));
    CHECK_FALSE(future.cancel());
  }
  CHECK(log.empty());
}

TEST_CASE("never_retrieved: nothing to tell of results, of pending ones") {
  Log log;
  Loop loop(&log);
  {
    const Future<int> done(loop);
    const Future<int> pending(loop);
    done.set_result(1);
  }
  CHECK(log.empty());
}

TEST_CASE("never_retrieved: of what is no std::exception too") {
  Log log;
  Loop loop(&log);
  { Future<>(loop).set_exception(7); }
  CHECK(log.size() == 1);
}

TEST_CASE("never_retrieved: without memory it is let go of all the same") {
  for (const bool loop_is_gone : {false, true}) {
    bool has_failed = true;
    for (long k = 1; has_failed; ++k) {
      std::optional<EventLoop> loop(std::in_place);
      auto future = std::make_unique<Future<int>>(*loop);
      loop->set_exception_handler([](const std::string&, std::exception_ptr) {
      });
      future->set_exception(std::runtime_error(report));
      if (loop_is_gone) {
        loop.reset();
      }
      const FailingAllocation failing(k);
      future.reset();
      has_failed = failing.has_failed();
    }
  }
}

TEST_CASE("never_retrieved: one that a closed loop refuses is not reported") {
  Log log;
  EventLoop loop;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    log.push_back(what);
  });
  {
    const Future<> future(loop);
    future.add_done_callback([] {});
    loop.close();
    CHECK_THROWS_AS(future.set_exception(std::runtime_error("eels")),
                    std::logic_error);
  }
  CHECK(log.empty());
}

}  // namespace test_never_retrieved
