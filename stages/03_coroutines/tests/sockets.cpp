#include <fcntl.h>

#include <exception>
#include <string>
#include <utility>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_sockets {

using namespace asyncio;

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }

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
  CHECK(said.find("closed while a coroutine waits") != std::string::npos);
}

TEST_CASE("sockets: the loop closing on those who wait is not") {
  const auto [left, right] = stream_pair();
  int reports = 0;
  {
    EventLoop loop;
    loop.set_exception_handler(
        [&](const std::string&, std::exception_ptr) { ++reports; });
    create_task(keep_for_ever(Socket(left, loop), right), loop);
    create_task(keep_for_ever(Socket(right, loop), left), loop);
    loop.run_once();
  }
  CHECK(reports == 0);
  CHECK_FALSE(is_open(left));
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

}  // namespace test_sockets
