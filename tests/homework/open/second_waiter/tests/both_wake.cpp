#include <stdexcept>

#include "waiting.hpp"

namespace test_both_wake {

using namespace test_waiting;

TEST_CASE("both_wake: all who wait go on, the first one first") {
  const Pair pair;
  Log log;
  Loop loop;
  for (const char* name : {"a", "b", "c"}) {
    create_task(wait_for(&log, name, pair.here, EVENT_READ), loop);
  }
  loop.run_once();
  CHECK(loop.is_watched(pair.here, EVENT_READ));
  pair.send();
  loop.run();
  CHECK(log == Log{"a", "b", "c"});
  CHECK_FALSE(loop.is_watched(pair.here, EVENT_READ));
  CHECK(loop.reports.empty());
}

TEST_CASE("both_wake: reading and writing have nothing to do with each other") {
  const Pair pair;
  Log log;
  Loop loop;
  create_task(wait_for(&log, "read 1", pair.here, EVENT_READ), loop);
  create_task(wait_for(&log, "read 2", pair.here, EVENT_READ), loop);
  create_task(wait_for(&log, "write 1", pair.here, EVENT_WRITE), loop);
  create_task(wait_for(&log, "write 2", pair.here, EVENT_WRITE), loop);
  for (int i = 0; i < 5; ++i) {
    loop.call_soon([] {});
    loop.run_once();
  }
  CHECK(log == Log{"write 1", "write 2"});
  CHECK(loop.is_watched(pair.here, EVENT_READ));
  pair.send();
  loop.run();
  CHECK(log == Log{"write 1", "write 2", "read 1", "read 2"});
}

Coroutine<> wait_again(Log* log, std::string name, int fd, int times) {
  for (int i = 1; i <= times; ++i) {
    co_await wait_readable(fd);
    log->push_back(name + std::to_string(i));
  }
}

TEST_CASE("both_wake: whoever waits again gets in behind") {
  const Pair pair;
  Log log;
  Loop loop;
  create_task(wait_again(&log, "a", pair.here, 3), loop);
  create_task(wait_again(&log, "b", pair.here, 3), loop);
  pair.send();
  loop.run();
  CHECK(log == Log{"a1", "b1", "a2", "b2", "a3", "b3"});
  CHECK_FALSE(loop.is_watched(pair.here, EVENT_READ));
}

Coroutine<> is_refused(Log* log, int fd) {
  try {
    co_await wait_readable(fd);
  } catch (const std::logic_error&) {
    log->push_back("refused");
  }
}

TEST_CASE("both_wake: what add_reader has is not to be shared") {
  const Pair pair;
  Log log;
  Loop loop;
  loop.add_reader(pair.here, [&] {
    log.push_back("reader");
    loop.remove_reader(pair.here);
  });
  create_task(is_refused(&log, pair.here), loop);
  loop.run();
  CHECK(log == Log{"refused"});
  pair.send();
  loop.run_once();
  CHECK(log == Log{"refused", "reader"});
}

}  // namespace test_both_wake
