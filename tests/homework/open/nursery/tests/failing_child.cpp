#include "loop.hpp"

namespace test_nursery {

Coroutine<> one_fails(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "sibling", 1h));
    nursery.start_soon(fails("broken", 1s));
    co_await child(log, "body", 1h);
  };
  co_await open_nursery(body);
  log->push_back("after");
}

TEST_CASE("failing_child: the others are cancelled, and the body") {
  Log log;
  Loop loop;
  const Task<> task = loop.run(one_fails(&log));
  REQUIRE(log.size() == 2);
  CHECK((log[0] == "body cancelled" || log[1] == "body cancelled"));
  CHECK((log[0] == "sibling cancelled" || log[1] == "sibling cancelled"));
  CHECK(errors_of(task) == Log{"broken"});
  CHECK(loop.time() < 2s);
  CHECK(loop.reports.empty());
}

Coroutine<> body_fails(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "child", 1h));
    co_await sleep(1s);
    throw std::runtime_error("in the body");
  };
  co_await open_nursery(body);
}

TEST_CASE("failing_child: the body is one of them") {
  Log log;
  Loop loop;
  CHECK(errors_of(loop.run(body_fails(&log))) == Log{"in the body"});
  CHECK(log == Log{"child cancelled"});
}

Coroutine<> fails_when_cancelled() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    throw std::runtime_error("while it was cancelled");
  }
}

Coroutine<> several_fail() {
  auto body = [](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(fails_when_cancelled());
    nursery.start_soon(fails("broken", 1s));
    co_return;
  };
  co_await open_nursery(body);
}

TEST_CASE("failing_child: nobody's exception is lost") {
  Loop loop;
  CHECK(errors_of(loop.run(several_fail())) ==
        Log{"broken", "while it was cancelled"});
  CHECK(loop.reports.empty());
}

Coroutine<> handles(Log* log) {
  try {
    co_await one_fails(log);
  } catch (const ExceptionGroup&) {
    log->clear();
  }
  co_await sleep(1s);
  log->push_back("went on");
}

TEST_CASE("failing_child: whoever opened it is not cancelled by that") {
  Log log;
  Loop loop;
  const Task<> task = loop.run(handles(&log));
  CHECK(errors_of(task).empty());
  CHECK(log == Log{"went on"});
  CHECK(task.cancelling() == 0);
}

}  // namespace test_nursery
