#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_watches_and_timers {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Pair {
  explicit Pair(EventLoop& loop) : Pair(stream_pair(), loop) {}
  Pair(std::pair<int, int> fds, EventLoop& loop)
      : left(fds.first, loop), right(fds.second, loop) {}
  Socket left;
  Socket right;
};

void run_until(EventLoop& loop, const FutureBase& future) {
  for (int round = 0; round < 3 && !future.done(); ++round) {
    loop.run_once();
  }
  CHECK(future.done());
}

TEST_CASE("watches_and_timers: a watch is done when its descriptor is ready") {
  EventLoop loop;
  Pair pair(loop);
  Watch readable(pair.left, EVENT_READ, loop);
  Watch writable(pair.left, EVENT_WRITE, loop);
  run_until(loop, writable);
  CHECK_FALSE(readable.done());
  REQUIRE(::send(pair.right, "x", 1, 0) == 1);
  run_until(loop, readable);
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_READ));
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_WRITE));
}

TEST_CASE("watches_and_timers: destroyed, it waits for nothing") {
  EventLoop loop;
  Pair pair(loop);
  {
    const Watch watch(pair.left, EVENT_READ, loop);
    CHECK(loop.is_watched(pair.left, EVENT_READ));
  }
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_READ));
}

TEST_CASE("watches_and_timers: a second one is refused, the first one stays") {
  EventLoop loop;
  Pair pair(loop);
  Watch first(pair.left, EVENT_READ, loop);
  CHECK_THROWS_AS(Watch(pair.left, EVENT_READ, loop), std::logic_error);
  CHECK(loop.is_watched(pair.left, EVENT_READ));
}

TEST_CASE("watches_and_timers: the number of a descriptor is used again") {
  EventLoop loop;
  auto pair = std::make_unique<Pair>(loop);
  std::optional<Watch> old(std::in_place, pair->left, EVENT_READ, loop);
  const int fd = pair->left;
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  pair.reset();
  Pair next(loop);
  REQUIRE((int(next.left) == fd || int(next.right) == fd));
  Watch watch(fd, EVENT_READ, loop);
  old.reset();
  REQUIRE(loop.is_watched(fd, EVENT_READ));
  const int other = int(next.left) == fd ? next.right : next.left;
  REQUIRE(::send(other, "x", 1, 0) == 1);
  run_until(loop, watch);
}

TEST_CASE("watches_and_timers: registrations differ") {
  EventLoop loop;
  Pair pair(loop);
  CHECK(loop.registration(pair.left, EVENT_READ) == 0);
  loop.add_reader(pair.left, [] {});
  const auto one = loop.registration(pair.left, EVENT_READ);
  loop.add_reader(pair.left, [] {});
  const auto two = loop.registration(pair.left, EVENT_READ);
  loop.add_writer(pair.left, [] {});
  const auto three = loop.registration(pair.left, EVENT_WRITE);
  CHECK(one != 0);
  CHECK(two != one);
  CHECK(three != two);
  CHECK(loop.registration(pair.left, EVENT_READ) == two);
  loop.remove_reader(pair.left);
  CHECK(loop.registration(pair.left, EVENT_READ) == 0);
  loop.remove_writer(pair.left);
}

Coroutine<> waits(Log* log, FutureState<void>* future) {
  try {
    co_await *future;
    log->push_back("ready");
  } catch (const CancelledError&) {
    log->push_back("cancelled");
  }
}

TEST_CASE("watches_and_timers: a watch can be cancelled as any future") {
  EventLoop loop;
  Pair pair(loop);
  Log log;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    log.push_back(what);
  });
  {
    Watch watch(pair.left, EVENT_READ, loop);
    create_task(waits(&log, &watch), loop);
    loop.call_soon([&] { watch.cancel(""); });
    loop.run_until_idle();
    // What comes too late changes nothing.
    REQUIRE(::send(pair.right, "x", 1, 0) == 1);
    loop.run_once();
    CHECK(watch.cancelled());
  }
  CHECK(log == Log{"cancelled"});
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_READ));
}

TEST_CASE("watches_and_timers: a timer is done when its time has come") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  Timer timer(2s, loop);
  create_task(waits(&log, &timer), loop);
  loop.call_later(1s, [&] { CHECK_FALSE(timer.done()); });
  loop.run_until_idle();
  CHECK(log == Log{"ready"});
  CHECK(loop.time() == 2s);
}

TEST_CASE("watches_and_timers: a timer that is cancelled, or destroyed") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  {
    Timer timer(2s, loop);
    const Timer other(1h, loop);
    create_task(waits(&log, &timer), loop);
    loop.call_later(1s, [&] {
      timer.cancel("");
      loop.stop();
    });
    loop.run_until_idle();
    loop.run_once();
  }
  loop.run_until_idle();
  CHECK(log == Log{"cancelled"});
  CHECK(loop.time() <= 2s);
}

TEST_CASE("watches_and_timers: cancelled, its time comes all the same") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    log.push_back(what);
  });
  Timer timer(2s, loop);
  create_task(waits(&log, &timer), loop);
  loop.call_later(1s, [&] { timer.cancel(""); });
  loop.call_later(3s, [&] { log.push_back("later"); });
  loop.run_until_idle();
  CHECK(timer.cancelled());
  CHECK(log == Log{"cancelled", "later"});
}

Coroutine<> reads(Log* log, int fd) {
  co_await wait_readable(fd);
  log->push_back("not reached");
}

TEST_CASE("watches_and_timers: closed under one who waits, used by another") {
  EventLoop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    const bool told = what.find("is closed while") != std::string::npos;
    log.push_back(told ? "closed while waited for" : what);
  });
  auto pair = std::make_unique<Pair>(loop);
  const int fd = pair->left;
  create_task(reads(&log, fd), loop);
  loop.run_once();
  pair.reset();
  Pair next(loop);
  const bool is_left = int(next.left) == fd;
  REQUIRE((is_left || int(next.right) == fd));
  loop.add_reader(fd, [&] {
    log.push_back("the new one");
    loop.stop();
  });
  REQUIRE(::send(is_left ? next.right : next.left, "x", 1, 0) == 1);
  loop.run_until_idle();
  CHECK(log == Log{"closed while waited for", "the new one"});
}

}  // namespace test_watches_and_timers
