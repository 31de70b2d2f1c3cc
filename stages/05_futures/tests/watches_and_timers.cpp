#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
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
    loop.call_soon([&] {
      watch.cancel("");
      // Others may wait for that now, and not only once it has been told.
      CHECK_FALSE(loop.is_watched(pair.left, EVENT_READ));
    });
    loop.run_until_idle();
    // What comes too late changes nothing.
    REQUIRE(::send(pair.right, "x", 1, 0) == 1);
    loop.call_soon([] {});
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

Coroutine<> says_when_it_ends(Log* log, int fd) {
  const std::shared_ptr<void> end(nullptr, [log](void*) {
    log->push_back("gone");
  });
  co_await wait_readable(fd);
  log->push_back("not reached");
}

TEST_CASE("watches_and_timers: the loop closes on one that is to be resumed") {
  EventLoop loop;
  Pair pair(loop);
  Log log;
  create_task(says_when_it_ends(&log, pair.left), loop);
  loop.run_once();
  REQUIRE(::send(pair.right, "x", 1, 0) == 1);
  // In the round of this call its watch ends; it would go on in the next one.
  loop.call_soon([&] { loop.stop(); });
  loop.run_until_idle();
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_READ));
  CHECK(log.empty());
  loop.close();
  CHECK(log == Log{"gone"});
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

constexpr int waits_for_all_line = __LINE__ + 1;
Coroutine<> waits_for_all(int fd, Future<> future) {
  co_await sleep(0s);
  co_await sleep(1s);
  co_await future;
  Watch readable(fd, EVENT_READ);
  Watch writable(fd, EVENT_WRITE);
  co_await writable;
  co_await readable;
}

TEST_CASE("watches_and_timers: what a trace says of whoever waits for them") {
  std::string fd;
  const auto trace = traced([&] {
    EventLoop loop;
    loop.use_virtual_clock();
    Pair pair(loop);
    fd = std::to_string(pair.left);
    const Future<> future(loop);
    create_task(waits_for_all(pair.left, future), loop);
    loop.call_later(2s, [&] { future.set_result(); });
    loop.call_later(3s, [&] { ::send(pair.right, "x", 1, 0); });
    loop.run_until_idle();
  });
  const auto waits_for = [](const std::string& what, int line) {
    return "b waits for " + what + " {\"line\":" +
           std::to_string(waits_for_all_line + line) + "}";
  };
  const Log events{
      waits_for("the others", 1),
      waits_for("sleep 1 s", 2),
      waits_for("future", 3),
      waits_for("writable fd " + fd, 6),
      waits_for("readable fd " + fd, 7),
  };
  CHECK(missing(trace, events) == Log());
}

Coroutine<> says_what_happens(Log* log, Coroutine<> operation) {
  try {
    co_await operation;
    log->push_back("done");
  } catch (const std::system_error& error) {
    log->push_back(error.code() == std::errc::bad_file_descriptor
                       ? "bad descriptor" : error.what());
  }
}

Coroutine<> receives(int fd) { co_await sock_recv(fd, 10); }
Coroutine<> accepts(int fd) { co_await sock_accept(fd); }
Coroutine<> sends(int fd) {
  co_await sock_sendall(fd, std::string(1 << 20, 'x'));
}

TEST_CASE("watches_and_timers: the new owner of a number is waited for") {
  EventLoop loop;
  Log log;
  int number = -1;
  for (int round = 0; round < 3; ++round) {
    const Pair pair(loop);
    REQUIRE((round == 0 || int(pair.left) == number));
    number = pair.left;
    REQUIRE(::send(pair.right, "x", 1, 0) == 1);
    create_task(says_what_happens(&log, wait_readable(number)), loop);
    create_task(says_what_happens(&log, wait_writable(number)), loop);
    loop.run_until_idle();
  }
  // Not for the one that was closed before it.
  CHECK(log == Log{"done", "done", "done", "done", "done", "done"});
}

TEST_CASE("watches_and_timers: a number with a new owner is not the old one") {
  enum class Operation { receive, send, accept, connect };
  Operation operation = Operation::receive;
  SUBCASE("sock_recv") { operation = Operation::receive; }
  SUBCASE("sock_sendall") { operation = Operation::send; }
  SUBCASE("sock_accept") { operation = Operation::accept; }
  SUBCASE("sock_connect") { operation = Operation::connect; }
  EventLoop loop;
  Log log;
  std::optional<Socket> old;
  std::optional<Socket> peer;
  Coroutine<> coroutine = receives(-1);
  if (operation == Operation::accept) {
    old.emplace(listen_on("127.0.0.1", 0), loop);
    peer.emplace(connect_to("127.0.0.1", port_of(*old)), loop);
    coroutine = accepts(*old);
  } else if (operation == Operation::connect) {
    peer.emplace(listen_on("127.0.0.1", 0), loop);
    old.emplace(tcp_socket(AF_INET), loop);
    coroutine = sock_connect(*old, "127.0.0.1", port_of(*peer));
  } else {
    const auto ends = stream_pair();
    old.emplace(ends.first, loop);
    peer.emplace(ends.second, loop);
    coroutine =
        operation == Operation::send ? sends(*old) : receives(*old);
  }
  const int number = *old;
  create_task(says_what_happens(&log, std::move(coroutine)), loop);
  loop.run_once();
  if (operation == Operation::receive) {
    REQUIRE(::send(*peer, "x", 1, 0) == 1);
  } else if (operation == Operation::send) {
    std::string buffer(1 << 20, ' ');
    REQUIRE(::recv(*peer, buffer.data(), buffer.size(), 0) > 0);
  }
  // Ready, and not resumed yet.
  while (loop.is_watched(number, EVENT_READ) ||
         loop.is_watched(number, EVENT_WRITE)) {
    loop.run_once();
  }
  REQUIRE(log.empty());
  old->close();
  Pair fresh(loop);
  REQUIRE(fresh.left == number);
  REQUIRE(::send(fresh.right, "secret", 6, 0) == 6);
  loop.run_until_idle();
  CHECK(log == Log{"bad descriptor"});
  char bytes[10];
  CHECK(::recv(fresh.left, bytes, sizeof bytes, 0) == 6);
  CHECK(::recv(fresh.right, bytes, sizeof bytes, 0) == -1);
}

}  // namespace test_watches_and_timers
