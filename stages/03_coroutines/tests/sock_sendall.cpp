#include <cerrno>
#include <csignal>
#include <exception>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "socket_pair.hpp"

namespace test_sock_sendall {

using namespace asyncio;

std::string pattern(std::size_t size) {
  std::string data(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    data[i] = static_cast<char>(i * 31 + i / 251);
  }
  return data;
}

/// Whoever reads learns of the end, however it comes.
struct EndOfStream {
  explicit EndOfStream(int its_fd) : fd(its_fd) {}
  EndOfStream(const EndOfStream&) = delete;
  EndOfStream& operator=(const EndOfStream&) = delete;
  ~EndOfStream() { ::shutdown(fd, SHUT_WR); }
  int fd;
};

Coroutine<> send(bool* done, int fd, std::string data) {
  const EndOfStream end(fd);
  co_await sock_sendall(fd, std::move(data));
  *done = true;
}

/// Until it has so much, or there is no more.
Coroutine<> read(std::string* result, int fd, std::size_t size) {
  while (result->size() < size) {
    const std::string data = co_await sock_recv(fd, 1000);
    if (data.empty()) {
      co_return;
    }
    *result += data;
  }
}

Coroutine<> send_or_say_why(std::string* why, int fd, std::string data) {
  try {
    co_await sock_sendall(fd, std::move(data));
  } catch (const std::system_error& error) {
    *why = error.code().message();
    CHECK((error.code() == std::errc::broken_pipe ||
           error.code() == std::errc::connection_reset));
  }
}

Coroutine<> send_lines(int fd, int count) {
  const EndOfStream end(fd);
  for (int i = 0; i < count; ++i) {
    co_await sock_sendall(fd, std::to_string(i) + "\n");
  }
}

Coroutine<> tick(int* ticks, const bool* done, int fd) {
  while (!*done) {
    co_await wait_writable(fd);
    ++*ticks;
  }
}

TEST_CASE("sock_sendall: what fits is sent without waiting") {
  EventLoop loop;
  SocketPair pair(loop);
  bool done = false;
  create_task(send(&done, pair.left, "hello"), loop);
  loop.run_until_idle();
  CHECK(done);
  char buffer[10];
  CHECK(::recv(pair.right, buffer, sizeof buffer, 0) == 5);
}

TEST_CASE("sock_sendall: of nothing is nothing") {
  EventLoop loop;
  SocketPair pair(loop);
  bool done = false;
  create_task(send(&done, pair.left, ""), loop);
  loop.run_until_idle();
  CHECK(done);
  // The end, and no byte before it.
  char byte;
  CHECK(::recv(pair.right, &byte, 1, 0) == 0);
}

TEST_CASE("sock_sendall: a megabyte to a slow reader, whole and in order") {
  EventLoop loop;
  SocketPair pair(loop);
  const std::string data = pattern(1024 * 1024);
  bool done = false;
  std::string result;
  create_task(send(&done, pair.left, data), loop);
  create_task(read(&result, pair.right, data.size()), loop);
  loop.run_until_idle();
  CHECK(done);
  CHECK(result.size() == data.size());
  CHECK((result == data));
}

TEST_CASE("sock_sendall: both ways at once on one connection") {
  EventLoop loop;
  SocketPair pair(loop);
  const std::string data = pattern(1024 * 1024);
  bool left_done = false;
  bool right_done = false;
  std::string left_result;
  std::string right_result;
  create_task(send(&left_done, pair.left, data), loop);
  create_task(send(&right_done, pair.right, data), loop);
  create_task(read(&left_result, pair.left, data.size()), loop);
  create_task(read(&right_result, pair.right, data.size()), loop);
  loop.run_until_idle();
  CHECK(left_done);
  CHECK(right_done);
  CHECK((left_result == data));
  CHECK((right_result == data));
}

TEST_CASE("sock_sendall: waits while nobody reads, and others go on") {
  EventLoop loop;
  SocketPair pair(loop);
  SocketPair other(loop);
  const std::string data = pattern(1024 * 1024);
  bool done = false;
  bool stop = false;
  int ticks = 0;
  create_task(send(&done, pair.left, data), loop);
  create_task(tick(&ticks, &stop, other.left), loop);
  while (ticks < 100) {
    loop.run_once();
  }
  CHECK_FALSE(done);
  CHECK(loop.is_watched(pair.left, EVENT_WRITE));
  stop = true;
  std::string result;
  create_task(read(&result, pair.right, data.size()), loop);
  loop.run_until_idle();
  CHECK(done);
  CHECK(result.size() == data.size());
  CHECK((result == data));
}

TEST_CASE("sock_sendall: one after the other keeps the order") {
  EventLoop loop;
  SocketPair pair(loop);
  std::string expected;
  for (int i = 0; i < 50000; ++i) {
    expected += std::to_string(i) + "\n";
  }
  std::string result;
  create_task(send_lines(pair.left, 50000), loop);
  create_task(read(&result, pair.right, expected.size()), loop);
  loop.run_until_idle();
  CHECK(result.size() == expected.size());
  CHECK((result == expected));
}

TEST_CASE("sock_sendall: to one that is gone is an error at the await") {
  EventLoop loop;
  SocketPair pair(loop);
  std::string why;
  pair.right.close();
  create_task(send_or_say_why(&why, pair.left, "x"), loop);
  loop.run_until_idle();
  CHECK(why != "");
}

TEST_CASE("sock_sendall: to one that leaves in between, too") {
  EventLoop loop;
  SocketPair pair(loop);
  std::string why;
  create_task(send_or_say_why(&why, pair.left, pattern(1024 * 1024)), loop);
  loop.run_once();
  CHECK(loop.is_watched(pair.left, EVENT_WRITE));
  pair.right.close();
  loop.run_until_idle();
  CHECK(why != "");
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_WRITE));
}

TEST_CASE("sock_sendall: nobody reads any more: an error, and no signal") {
  const auto old = std::signal(SIGPIPE, SIG_DFL);
  EventLoop loop;
  const auto [here, there] = stream_pair();
  Socket socket(here, loop);
  ::close(there);
  int error = 0;
  loop.set_exception_handler([&](const std::string&, std::exception_ptr e) {
    try {
      std::rethrow_exception(e);
    } catch (const std::system_error& failed) {
      error = failed.code().value();
    }
  });
  create_task(sock_sendall(socket, "hello"), loop);
  loop.run_until_idle();
  CHECK(error == EPIPE);
  std::signal(SIGPIPE, old);
}

}  // namespace test_sock_sendall
