#include "loop.hpp"

namespace test_nursery {

Coroutine<> first_wins(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "slow", 1h));
    co_await sleep(1s);
    log->push_back("enough");
    nursery.cancel();
  };
  co_await open_nursery(body);
  log->push_back("after");
}

TEST_CASE("cancelling: from inside it ends all, and is no error outside") {
  Log log;
  Loop loop;
  const Task<> task = loop.run(first_wins(&log));
  CHECK(log == Log{"enough", "slow cancelled", "after"});
  CHECK(errors_of(task).empty());
  CHECK(task.cancelling() == 0);
  CHECK(loop.time() < 2s);
}

Coroutine<> waits(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "child", 1h));
    co_return;
  };
  co_await open_nursery(body);
  log->push_back("after");
}

TEST_CASE("cancelling: from outside it goes through, to the children first") {
  Log log;
  Loop loop;
  const Task<> task = create_task(waits(&log), loop);
  loop.call_later(1s, [&] { task.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"child cancelled"});
  CHECK(task.cancelled());
  CHECK(loop.time() < 2s);
}

Coroutine<> inner_is_cancelled(Log* log) {
  auto inner = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "inner child", 1h));
    co_await sleep(1s);
    nursery.cancel();
  };
  auto outer = [log, inner](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "outer child", 3s));
    co_await open_nursery(inner);
    co_await sleep(1s);
    log->push_back("outer goes on");
  };
  co_await open_nursery(outer);
}

TEST_CASE("cancelling: an inner nursery is not the outer one") {
  Log log;
  Loop loop;
  CHECK(errors_of(loop.run(inner_is_cancelled(&log))).empty());
  CHECK(log == Log{"inner child cancelled", "outer goes on", "outer child"});
}

Coroutine<> outer_is_cancelled(Log* log) {
  auto inner = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "inner child", 1h));
    co_return;
  };
  auto outer = [log, inner](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(open_nursery(inner));
    co_await sleep(1s);
    nursery.cancel();
  };
  co_await open_nursery(outer);
  log->push_back("after");
}

TEST_CASE("cancelling: but the outer one means all within") {
  Log log;
  Loop loop;
  CHECK(errors_of(loop.run(outer_is_cancelled(&log))).empty());
  CHECK(log == Log{"inner child cancelled", "after"});
}

}  // namespace test_nursery
