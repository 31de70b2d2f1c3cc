#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_awaiting {

using namespace asyncio;
using Log = std::vector<std::string>;

/// A descriptor that can always be read, and one that never can.
struct Pair {
  explicit Pair(EventLoop& loop) : Pair(stream_pair(), loop) {}
  Pair(std::pair<int, int> fds, EventLoop& loop)
      : readable(fds.first, loop), silent(fds.second, loop) {
    REQUIRE(::send(silent, "x", 1, 0) == 1);
  }
  Socket readable;
  Socket silent;
};

Coroutine<int> add(int a, int b, int fd) {
  co_await wait_readable(fd);
  co_return a + b;
}

Coroutine<int> sum(int fd) {
  const int three = co_await add(1, 2, fd);
  const int seven = co_await add(three, 4, fd);
  co_return seven;
}

Coroutine<std::unique_ptr<int>> unique(int fd) {
  auto value = std::make_unique<int>(co_await sum(fd));
  co_return value;
}

Coroutine<> store(std::string* result, int fd) {
  const std::unique_ptr<int> value = co_await unique(fd);
  *result = std::to_string(*value);
}

Coroutine<int> fail(Log* log, int fd, bool wait) {
  log->push_back("third");
  if (wait) {
    co_await wait_readable(fd);
  }
  throw std::runtime_error("deep down");
}

Coroutine<int> pass_on(Log* log, int fd, bool wait) {
  log->push_back("second");
  const int value = co_await fail(log, fd, wait);
  log->push_back("not reached");
  co_return value;
}

Coroutine<> handle(Log* log, int fd, bool wait) {
  log->push_back("first");
  // No co_await is possible inside of a catch block: remember, then act.
  std::exception_ptr error;
  try {
    co_await pass_on(log, fd, wait);
  } catch (...) {
    error = std::current_exception();
  }
  co_await wait_readable(fd);
  log->push_back(describe(error));
}

Coroutine<> count(Log* log, std::string name, int fd) {
  for (int i = 1; i <= 3; ++i) {
    co_await wait_readable(fd);
    log->push_back(name + std::to_string(i));
  }
}

Coroutine<> start_late(Log* log, int fd) {
  Coroutine<> counting = count(log, "n", fd);
  log->push_back("made");
  co_await counting;
}

Coroutine<> not_at_all() { co_return; }

Coroutine<> await_often(int times, int* done) {
  for (; *done < times; ++*done) {
    co_await not_at_all();
  }
}

Coroutine<int> dive(int depth, int fd) {
  if (depth == 0) {
    co_await wait_readable(fd);
    co_return 0;
  }
  const int below = co_await dive(depth - 1, fd);
  co_return below + 1;
}

Coroutine<> measure(int depth, int fd, int* result) {
  *result = co_await dive(depth, fd);
}

Coroutine<> share(Log* log, std::shared_ptr<Coroutine<>> what) {
  try {
    co_await *what;
    log->push_back("got it");
  } catch (const std::logic_error& error) {
    log->push_back(error.what());
  }
}

Coroutine<> never(Log* log) {
  log->push_back("never");
  co_return;
}

Coroutine<> drop(Log* log) {
  { Coroutine<> unused = never(log); }
  log->push_back("dropped");
  co_return;
}

TEST_CASE("awaiting: gives what the coroutine returns, move-only or not") {
  EventLoop loop;
  Pair pair(loop);
  std::string result;
  create_task(store(&result, pair.readable), loop);
  loop.run_until_idle();
  CHECK(result == "7");
}

TEST_CASE("awaiting: an exception comes up through all levels") {
  for (const bool wait : {false, true}) {
    EventLoop loop;
    Pair pair(loop);
    Log log;
    create_task(handle(&log, pair.readable, wait), loop);
    loop.run_until_idle();
    CHECK(log == Log{"first", "second", "third", "deep down"});
  }
}

TEST_CASE("awaiting: a coroutine does nothing before it is awaited") {
  EventLoop loop;
  Pair pair(loop);
  Log log;
  create_task(start_late(&log, pair.readable), loop);
  loop.run_until_idle();
  CHECK(log == Log{"made", "n1", "n2", "n3"});
}

TEST_CASE("awaiting: while one waits the others run") {
  EventLoop loop;
  Pair one(loop);
  Pair other(loop);
  Log log;
  create_task(count(&log, "a", one.readable), loop);
  create_task(count(&log, "b", other.readable), loop);
  loop.run_until_idle();
  REQUIRE(log.size() == 6);
  const auto place = [&](const std::string& name) {
    return std::find(log.begin(), log.end(), name) - log.begin();
  };
  CHECK(place("a1") < place("b2"));
  CHECK(place("b1") < place("a2"));
  CHECK(place("a2") < place("b3"));
  CHECK(place("b2") < place("a3"));
}

TEST_CASE("awaiting: what does not wait goes on at once, without a stack") {
  on_small_stack(256 * 1024, [] {
    EventLoop loop;
    int done = 0;
    create_task(await_often(100000, &done), loop);
    loop.run_until_idle();
    CHECK(done == 100000);
  });
}

TEST_CASE("awaiting: a hundred thousand deep, on a small stack") {
  on_small_stack(256 * 1024, [] {
    EventLoop loop;
    Pair pair(loop);
    int result = 0;
    create_task(measure(100000, pair.readable, &result), loop);
    loop.run_until_idle();
    CHECK(result == 100000);
  });
}

TEST_CASE("awaiting: the loop may close on a hundred thousand of them") {
  on_small_stack(256 * 1024, [] {
    EventLoop loop;
    Pair pair(loop);
    int result = 0;
    create_task(measure(100000, pair.silent, &result), loop);
    loop.run_once();
    CHECK(loop.is_watched(pair.silent, EVENT_READ));
    loop.close();
    CHECK(result == 0);
  });
}

TEST_CASE("awaiting: only one can await a coroutine") {
  EventLoop loop;
  Pair pair(loop);
  Log log;
  auto what = std::make_shared<Coroutine<>>(wait_readable(pair.readable));
  create_task(share(&log, what), loop);
  create_task(share(&log, what), loop);
  loop.run_until_idle();
  CHECK(log == Log{"generator already awaited", "got it"});
}

TEST_CASE("awaiting: one that is dropped before it began never runs") {
  EventLoop loop;
  Log log;
  create_task(drop(&log), loop);
  loop.run_until_idle();
  CHECK(log == Log{"dropped"});
}

}  // namespace test_awaiting
