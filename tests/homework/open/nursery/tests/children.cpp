#include "loop.hpp"

namespace test_nursery {

Coroutine<> two_children(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "slow", 3s));
    nursery.start_soon(child(log, "quick", 1s));
    log->push_back("body");
    co_return;
  };
  co_await open_nursery(body);
  log->push_back("after");
}

TEST_CASE("children: its end waits for all of them") {
  Log log;
  Loop loop;
  const Task<> task = loop.run(two_children(&log));
  CHECK(log == Log{"body", "quick", "slow", "after"});
  CHECK(errors_of(task).empty());
  CHECK(loop.time() == 3s);
}

Coroutine<> empty() {
  auto body = [](Nursery&) -> Coroutine<> { co_return; };
  co_await open_nursery(body);
}

TEST_CASE("children: there may be none") {
  Loop loop;
  CHECK(errors_of(loop.run(empty())).empty());
}

Coroutine<> descends(Log* log, Nursery* nursery, int depth) {
  co_await sleep(1s);
  log->push_back(std::to_string(depth));
  if (depth > 0) {
    nursery->start_soon(descends(log, nursery, depth - 1));
  }
}

Coroutine<> generations(Log* log) {
  auto body = [log](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(descends(log, &nursery, 3));
    co_return;
  };
  co_await open_nursery(body);
  log->push_back("after");
}

TEST_CASE("children: they may start others, long after the body has ended") {
  Log log;
  Loop loop;
  loop.run(generations(&log));
  CHECK(log == Log{"3", "2", "1", "0", "after"});
}

Coroutine<> keeps_it(Log* log) {
  std::optional<Nursery*> kept;
  auto body = [&](Nursery& nursery) -> Coroutine<> {
    kept = &nursery;
    co_await sleep(1s);
    log->push_back("body");
  };
  auto outer = [&](Nursery& nursery) -> Coroutine<> {
    nursery.start_soon(child(log, "child", 2s));
    co_await open_nursery(body);
    log->push_back("inner closed");
  };
  co_await open_nursery(outer);
  CHECK(kept.has_value());
}

TEST_CASE("children: one nursery in another") {
  Log log;
  Loop loop;
  CHECK(errors_of(loop.run(keeps_it(&log))).empty());
  CHECK(log == Log{"body", "inner closed", "child"});
}

TEST_CASE("children: none is left behind") {
  Log log;
  Loop loop;
  loop.run(two_children(&log));
  CHECK(all_tasks(loop).empty());
  CHECK(loop.reports.empty());
}

}  // namespace test_nursery
