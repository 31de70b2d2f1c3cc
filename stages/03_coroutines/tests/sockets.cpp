#include <fcntl.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_sockets {

using namespace asyncio;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

bool is_warning(const std::string& message) {
  return message.find("closed while a coroutine waits") != std::string::npos;
}

Coroutine<> make(int* fd, int taken) {
  Socket socket(taken);
  *fd = socket.fileno();
  co_return;
}

Coroutine<> hand_over(Socket socket, int* fd) {
  Socket mine = std::move(socket);
  *fd = mine.fileno();
  co_return;
}

Coroutine<> keep_for_ever(Socket, int other) {
  co_await wait_readable(other);
}

void fill(int fd) {
  const std::string block(64 * 1024, 'x');
  while (::send(fd, block.data(), block.size(), 0) > 0) {
  }
}

TEST_CASE("sockets: a Socket closes its descriptor") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  {
    const Socket first(left, loop);
    CHECK(first.fileno() == left);
    CHECK(int(first) == left);
  }
  CHECK_FALSE(is_open(left));
  CHECK(is_open(right));
  ::close(right);
}

TEST_CASE("sockets: close() closes it now, and once") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  Socket first(left, loop);
  Socket second(right, loop);
  first.close();
  CHECK_FALSE(is_open(left));
  CHECK(first.fileno() == -1);
  const int reused = ::dup(right);
  first.close();
  CHECK(is_open(reused));
  ::close(reused);
}

TEST_CASE("sockets: a descriptor may have the number 0") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  const Socket first(left, loop);
  const Socket second(right, loop);
  const int before = ::dup(0);
  REQUIRE(::dup2(left, 0) == 0);
  bool closed = false;
  {
    const Socket zero(0, loop);
    loop.add_reader(zero, [] {});
  }
  closed = !is_open(0);
  CHECK_FALSE(loop.is_watched(0, EVENT_READ));
  if (before >= 0) {
    ::dup2(before, 0);
    ::close(before);
  }
  CHECK(closed);
}

TEST_CASE("sockets: it can be moved") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  Socket first(left, loop);
  Socket second(right, loop);
  Socket third = std::move(first);
  CHECK(first.fileno() == -1);
  CHECK(third.fileno() == left);
  third = std::move(second);
  CHECK_FALSE(is_open(left));
  CHECK(third.fileno() == right);
  CHECK(is_open(right));
}

TEST_CASE("sockets: moved, it still tells the loop that it was made for") {
  EventLoop loop;
  EventLoop other;
  other.set_exception_handler([](const std::string&, std::exception_ptr) {});
  const auto [left, right] = stream_pair();
  Socket first(left, loop);
  Socket second(right, other);
  other.add_reader(second, [] {});
  first = std::move(second);
  first.close();
  CHECK_FALSE(is_open(right));
  CHECK_FALSE(other.is_watched(right, EVENT_READ));
}

TEST_CASE("sockets: it makes its descriptor non-blocking") {
  EventLoop loop;
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  const Socket first(fds[0], loop);
  const Socket second(fds[1], loop);
  CHECK((::fcntl(first, F_GETFL) & O_NONBLOCK) != 0);
}

TEST_CASE("sockets: the loop is told before it closes") {
  EventLoop loop;
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  const auto [left, right] = stream_pair();
  Socket second(right, loop);
  int calls = 0;
  {
    const Socket first(left, loop);
    loop.add_reader(first, [&] { ++calls; });
    loop.add_writer(first, [&] { ++calls; });
  }
  CHECK_FALSE(loop.is_watched(left, EVENT_READ));
  CHECK_FALSE(loop.is_watched(left, EVENT_WRITE));
  const int reused = ::dup(right);
  loop.call_soon([] {});
  loop.run_once();
  CHECK(calls == 0);
  ::close(reused);
}

TEST_CASE("sockets: one that is closed takes back a call that was queued") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  Socket first(left, loop);
  Socket second(right, loop);
  int calls = 0;
  // Each can write; whoever comes first closes the other.
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  loop.add_writer(first, [&] {
    ++calls;
    second.close();
  });
  loop.add_writer(second, [&] {
    ++calls;
    first.close();
  });
  loop.run_once();
  CHECK(calls == 1);
}

TEST_CASE("sockets: closing one that a coroutine waits for is reported") {
  EventLoop loop;
  std::string said;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) { said = message; });
  const auto [left, right] = stream_pair();
  Socket first(left, loop);
  Socket second(right, loop);
  create_task(wait_readable(first), loop);
  loop.run_once();
  CHECK(said == "");
  second.close();
  CHECK(said == "");
  first.close();
  CHECK(is_warning(said));
}

TEST_CASE("sockets: also if it waits to write") {
  EventLoop loop;
  std::string said;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) { said = message; });
  const auto [left, right] = stream_pair();
  Socket first(left, loop);
  const Socket second(right, loop);
  fill(first);
  create_task(wait_writable(first), loop);
  loop.run_once();
  CHECK(said == "");
  first.close();
  CHECK(said == "descriptor " + std::to_string(left) +
                    " is closed while a coroutine waits for it");
}

TEST_CASE("sockets: the loop closing on those who wait is not") {
  const auto [left, right] = stream_pair();
  int warnings = 0;
  EventLoop loop;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) {
        warnings += is_warning(message);
      });
  create_task(keep_for_ever(Socket(left, loop), right), loop);
  create_task(keep_for_ever(Socket(right, loop), left), loop);
  loop.run_once();
  loop.close();
  CHECK(warnings == 0);
  CHECK_FALSE(is_open(left));
  CHECK_FALSE(is_open(right));
}

TEST_CASE("sockets: nor is what its callbacks own") {
  const auto [left, right] = stream_pair();
  int warnings = 0;
  EventLoop loop;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) {
        warnings += is_warning(message);
      });
  auto reader = std::make_shared<Socket>(left, loop);
  auto writer = std::make_shared<Socket>(right, loop);
  loop.add_reader(*writer, [reader] {});
  loop.add_writer(*reader, [writer] {});
  reader.reset();
  writer.reset();
  loop.close();
  CHECK(warnings == 0);
  CHECK_FALSE(is_open(left));
  CHECK_FALSE(is_open(right));
}

TEST_CASE("sockets: one that is closed wakes nobody through a duplicate") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  const auto [other_left, other_right] = stream_pair();
  const Socket second(right, loop);
  const Socket here(other_left, loop);
  const Socket there(other_right, loop);
  const Socket duplicate(::dup(left), loop);
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  {
    const Socket first(left, loop);
    loop.add_reader(first, [] { FAIL("it is closed"); });
    loop.call_soon([] {});
    loop.run_once();
  }
  REQUIRE(::send(second, "x", 1, 0) == 1);
  bool called = false;
  loop.add_reader(here, [&] { called = true; });
  // However long this takes: a loop that sleeps makes few rounds meanwhile.
  std::thread sender([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(::send(there, "x", 1, 0) == 1);
  });
  int rounds = 0;
  while (!called) {
    loop.run_once();
    ++rounds;
  }
  sender.join();
  CHECK(rounds <= 5);
}

TEST_CASE("sockets: inside a running loop one need not say which") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  Socket second(right, loop);
  int fd = -1;
  create_task(make(&fd, left), loop);
  loop.run_until_idle();
  CHECK(fd == left);
  CHECK_FALSE(is_open(left));
}

TEST_CASE("sockets: one that a coroutine takes is closed when that ends") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  Socket first(left, loop);
  Socket second(right, loop);
  int fd = -1;
  create_task(hand_over(std::move(first), &fd), loop);
  CHECK(is_open(left));
  loop.run_until_idle();
  CHECK(fd == left);
  CHECK_FALSE(is_open(left));
}

TEST_CASE("sockets: one may outlive its loop") {
  const auto [here, there] = stream_pair();
  {
    auto loop = std::make_unique<EventLoop>();
    Socket socket(here, *loop);
    Socket other(there, *loop);
    loop.reset();
    CHECK(is_open(here));
    other.close();
    CHECK_FALSE(is_open(there));
  }
  CHECK_FALSE(is_open(here));
}

TEST_CASE("sockets: whoever is told that it is closed may close it") {
  EventLoop loop;
  const auto [here, there] = stream_pair();
  Socket socket(here, loop);
  Socket other(there, loop);
  int told = 0;
  loop.set_exception_handler([&](const std::string&, std::exception_ptr) {
    ++told;
    socket.close();
  });
  create_task(keep_for_ever(Socket(::dup(there), loop), here), loop);
  loop.run_once();
  socket.close();
  CHECK(told == 1);
  CHECK(socket.fileno() == -1);
  CHECK_FALSE(is_open(here));
}

TEST_CASE("sockets: or destroy it, and put another one in its place") {
  EventLoop loop;
  EventLoop other_loop;
  const std::pair<int, int> fds = stream_pair();
  const int here = fds.first;
  const int there = fds.second;
  std::optional<Socket> socket(std::in_place, here, loop);
  loop.set_exception_handler([&](const std::string&, std::exception_ptr) {
    socket.emplace(there, other_loop);
  });
  create_task(wait_readable(here), loop);
  loop.run_once();
  socket->close();
  CHECK_FALSE(is_open(here));
  CHECK_FALSE(loop.is_watched(here, EVENT_READ));
  CHECK(socket->fileno() == there);
}

TEST_CASE("sockets: it closes without memory, too") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    EventLoop loop;
    int told = 0;
    loop.set_exception_handler(
        [&](const std::string&, std::exception_ptr) { ++told; });
    const auto [here, there] = stream_pair();
    Socket socket(here, loop);
    const Socket other(there, loop);
    create_task(wait_readable(here), loop);
    loop.run_once();
    const FailingAllocation failing(k);
    CHECK_NOTHROW(socket.close());
    has_failed = failing.has_failed();
    CHECK(told >= (has_failed ? 0 : 1));
    CHECK_FALSE(is_open(here));
  }
}

TEST_CASE("sockets: what cannot be made non-blocking is closed") {
  EventLoop loop;
  const int before = open_descriptors();
  CHECK_THROWS_AS(Socket(-1, loop), std::system_error);
#ifdef O_PATH
  // Linux: one that names a place and nothing more has no such flag.
  const int place = ::open("/", O_PATH | O_CLOEXEC);
  REQUIRE(is_open(place));
  CHECK_THROWS_AS(Socket(place, loop), std::system_error);
#endif
  CHECK(open_descriptors() == before);
}

}  // namespace test_sockets
