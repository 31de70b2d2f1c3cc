#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "socket_pair.hpp"

namespace test_wait_ready {

using namespace asyncio;
using Log = std::vector<std::string>;

/// Returns how much it took.
std::size_t fill(int fd) {
  static const std::string block(64 * 1024, 'x');
  std::size_t total = 0;
  while (true) {
    const auto count = ::send(fd, block.data(), block.size(), 0);
    if (count < 0) {
      return total;
    }
    total += static_cast<std::size_t>(count);
  }
}

void empty(int fd, std::size_t size) {
  std::vector<char> buffer(64 * 1024);
  while (size > 0) {
    const auto count = ::recv(fd, buffer.data(), buffer.size(), 0);
    REQUIRE(count > 0);
    size -= static_cast<std::size_t>(count);
  }
}

/// Some rounds, also if somebody waits for ever.
void run_a_while(EventLoop& loop) {
  for (int round = 0; round < 20; ++round) {
    loop.call_soon([] {});
    loop.run_once();
  }
}

Coroutine<> until_readable(Log* log, std::string name, int fd) {
  try {
    co_await wait_readable(fd);
    log->push_back(name + " can read");
  } catch (const std::exception& error) {
    log->push_back(name + ": " + error.what());
  }
}

Coroutine<> until_writable(Log* log, std::string name, int fd) {
  try {
    co_await wait_writable(fd);
    log->push_back(name + " can write");
  } catch (const std::exception& error) {
    log->push_back(name + ": " + error.what());
  }
}

Coroutine<> write_to(Log* log, int fd) {
  log->push_back("writes");
  CHECK(::send(fd, "x", 1, 0) == 1);
  co_return;
}

Coroutine<> both_ways(Log* log, int fd) {
  co_await wait_writable(fd);
  log->push_back("can write");
  co_await wait_readable(fd);
  log->push_back("can read");
}

TEST_CASE("wait_ready: wait_readable pauses until something can be read") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  create_task(until_readable(&log, "a", pair.left), loop);
  create_task(write_to(&log, pair.right), loop);
  loop.run_until_idle();
  CHECK(log == Log{"writes", "a can read"});
}

TEST_CASE("wait_ready: wait_readable also ends when the other side closes") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  create_task(until_readable(&log, "a", pair.left), loop);
  loop.call_soon([&] { pair.right.close(); });
  loop.run_until_idle();
  CHECK(log == Log{"a can read"});
}

TEST_CASE("wait_ready: wait_writable pauses until there is room") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  const std::size_t size = fill(pair.left);
  create_task(until_writable(&log, "a", pair.left), loop);
  loop.run_once();
  CHECK(loop.is_watched(pair.left, EVENT_WRITE));
  CHECK(log.empty());
  empty(pair.right, size);
  loop.run_until_idle();
  CHECK(log == Log{"a can write"});
}

TEST_CASE("wait_ready: afterwards nothing is registered") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  create_task(both_ways(&log, pair.left), loop);
  create_task(write_to(&log, pair.right), loop);
  loop.run_until_idle();
  CHECK(log == Log{"writes", "can write", "can read"});
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_READ));
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_WRITE));
  CHECK_FALSE(loop.remove_reader(pair.left));
  CHECK_FALSE(loop.remove_writer(pair.left));
}

TEST_CASE("wait_ready: one may wait to read while another waits to write") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  const std::size_t size = fill(pair.left);
  create_task(until_readable(&log, "a", pair.left), loop);
  create_task(until_writable(&log, "b", pair.left), loop);
  loop.run_once();
  CHECK(log.empty());
  REQUIRE(::send(pair.right, "x", 1, 0) == 1);
  loop.run_once();
  CHECK(log.size() <= 1);
  empty(pair.right, size);
  loop.run_until_idle();
  CHECK(log == Log{"a can read", "b can write"});
}

TEST_CASE("wait_ready: a second that waits for the same gets an error") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  create_task(until_readable(&log, "first", pair.left), loop);
  create_task(until_readable(&log, "second", pair.left), loop);
  create_task(write_to(&log, pair.right), loop);
  run_a_while(loop);
  REQUIRE(log.size() == 3);
  const auto place = [&](const std::string& text) {
    return std::find_if(log.begin(), log.end(), [&](const std::string& line) {
      return line.find(text) != std::string::npos;
    });
  };
  CHECK(place("writes") < place("first can read"));
  CHECK(place("second: descriptor") != log.end());
  CHECK(place("already waited for") != log.end());
}

TEST_CASE("wait_ready: a callback counts as somebody who waits") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  loop.add_reader(pair.left, [&] {
    log.push_back("callback");
    loop.remove_reader(pair.left);
  });
  create_task(until_readable(&log, "a", pair.left), loop);
  create_task(write_to(&log, pair.right), loop);
  loop.run_until_idle();
  while (loop.is_watched(pair.left, EVENT_READ)) {
    loop.run_once();
  }
  REQUIRE(log.size() == 3);
  CHECK(std::count(log.begin(), log.end(), "callback") == 1);
}

Coroutine<> never_learns(int* refused) {
  while (*refused < 10000) {
    try {
      co_await wait_readable(-1);
    } catch (const std::exception&) {
      ++*refused;
    }
  }
}

TEST_CASE("wait_ready: asking wrongly, however often, costs no stack") {
  EventLoop loop;
  int refused = 0;
  create_task(never_learns(&refused), loop);
  on_small_stack(256 * 1024, [&] { loop.run_until_idle(); });
  CHECK(refused == 10000);
}

TEST_CASE("wait_ready: what cannot be watched is an error at the await") {
  EventLoop loop;
  Log log;
  create_task(until_readable(&log, "a", FD_SETSIZE), loop);
  create_task(until_writable(&log, "b", -1), loop);
  run_a_while(loop);
  CHECK(log.size() == 2);
}

TEST_CASE("wait_ready: what a trace says of it") {
  Log log;
  int fd = -1;
  const auto trace = traced([&] {
    EventLoop loop;
    SocketPair pair(loop);
    fd = pair.left;
    REQUIRE(::send(pair.right, "x", 1, 0) == 1);
    create_task(until_readable(&log, "a", fd), loop);
    create_task(until_writable(&log, "b", fd), loop);
    loop.run_until_idle();
  });
  const Log events{
      "b waits for readable fd " + std::to_string(fd) + " {\"line\":",
      "b waits for writable fd " + std::to_string(fd) + " {\"line\":",
  };
  CHECK(missing(trace, events) == Log());
}

}  // namespace test_wait_ready
