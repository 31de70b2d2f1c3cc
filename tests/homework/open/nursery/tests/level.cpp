// A cancellation is a state, not an event: in trio every checkpoint in a
// cancelled scope raises Cancelled, again and again.
#include "loop.hpp"

namespace test_nursery {

Coroutine<> catches_all(Log* log) {
  for (int i = 1; i <= 3; ++i) {
    try {
      co_await sleep(1h);
    } catch (const CancelledError&) {
      log->push_back("again " + std::to_string(i));
    }
  }
}

Coroutine<> cancels(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(catches_all(log));
    co_await sleep(1s);
    nursery.cancel();
  };
  co_await open_nursery(body);
  log->push_back("after");
}

TEST_CASE("level: whoever swallows it hears it at the next co_await") {
  Log log;
  Loop loop;
  CHECK(errors_of(loop.run(cancels(&log))).empty());
  CHECK(log == Log{"again 1", "again 2", "again 3", "after"});
  CHECK(loop.time() < 2s);
}

Coroutine<> late_child(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.cancel();
    nursery.start_soon(child(log, "late", 1h));
    co_await sleep(1h);
    log->push_back("the body goes on");
  };
  co_await open_nursery(body);
  log->push_back("after");
}

TEST_CASE("level: one that is started after it is cancelled as well") {
  Log log;
  Loop loop;
  CHECK(errors_of(loop.run(late_child(&log))).empty());
  REQUIRE(!log.empty());
  CHECK(log.back() == "after");
  CHECK(loop.time() < 2s);
  for (const std::string& line : log) {
    CHECK(line != "late");
    CHECK(line != "the body goes on");
  }
}

Coroutine<> cleans_up(Log* log) {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (cancelled) {
    try {
      co_await sleep(1s);
      log->push_back("cleaned up");
    } catch (const CancelledError&) {
      log->push_back("no time for that");
    }
  }
}

Coroutine<> sibling_fails(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(cleans_up(log));
    nursery.start_soon(fails("broken", 1s));
    co_return;
  };
  co_await open_nursery(body);
}

TEST_CASE("level: the same when it was a child's failure") {
  Log log;
  Loop loop;
  CHECK(errors_of(loop.run(sibling_fails(&log))) == Log{"broken"});
  CHECK(log == Log{"no time for that"});
}

Coroutine<> cancelled_from_outside(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(cleans_up(log));
    co_return;
  };
  co_await open_nursery(body);
}

TEST_CASE("level: and when it came from outside") {
  Log log;
  Loop loop;
  const Task<> task = create_task(cancelled_from_outside(&log), loop);
  loop.call_later(1s, [&] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"no time for that"});
  CHECK(task.cancelled());
}

}  // namespace test_nursery
