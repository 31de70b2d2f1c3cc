#include <exception>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "socket_pair.hpp"

namespace test_sock_recv {

using namespace asyncio;
using Log = std::vector<std::string>;

Coroutine<> read_once(Log* log, int fd, std::size_t size) {
  std::string data = co_await sock_recv(fd, size);
  log->push_back(std::move(data));
}

Coroutine<> read_all(std::string* result, int* reads, int fd) {
  while (true) {
    const std::string data = co_await sock_recv(fd, 4096);
    if (data.empty()) {
      co_return;
    }
    *result += data;
    ++*reads;
  }
}

Coroutine<> write_byte_by_byte(Socket socket, std::string data) {
  for (const char byte : data) {
    CHECK(::send(socket, &byte, 1, 0) == 1);
    const std::string echoed = co_await sock_recv(socket, 1);
    CHECK(echoed == std::string(1, byte));
  }
}

Coroutine<> echo(std::string* heard, int fd) {
  while (true) {
    const std::string data = co_await sock_recv(fd, 4096);
    if (data.empty()) {
      co_return;
    }
    *heard += data;
    CHECK(::send(fd, data.data(), data.size(), 0) ==
          static_cast<ssize_t>(data.size()));
  }
}

Coroutine<> read_or_say_why(Log* log, std::string name, int fd) {
  try {
    const std::string data = co_await sock_recv(fd, 100);
    log->push_back(name + " reads " + data);
  } catch (const std::system_error& error) {
    log->push_back(name + " fails: " + error.code().message());
  } catch (const std::exception& error) {
    log->push_back(name + " is refused");
  }
}

/// Some rounds, also if somebody waits for ever.
void run_a_while(EventLoop& loop) {
  for (int round = 0; round < 100; ++round) {
    loop.call_soon([] {});
    loop.run_once();
  }
}

void write(int fd, const std::string& data) {
  REQUIRE(::send(fd, data.data(), data.size(), 0) ==
          static_cast<ssize_t>(data.size()));
}

TEST_CASE("sock_recv: waits until there is something") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  create_task(read_once(&log, pair.left, 100), loop);
  loop.run_once();
  CHECK(log.empty());
  write(pair.right, "hello");
  loop.run_until_idle();
  CHECK(log == Log{"hello"});
}

TEST_CASE("sock_recv: gives what is there, not more than asked for") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  write(pair.right, "hello");
  create_task(read_once(&log, pair.left, 3), loop);
  run_a_while(loop);
  create_task(read_once(&log, pair.left, 1000000), loop);
  run_a_while(loop);
  CHECK(log == Log{"hel", "lo"});
}

TEST_CASE("sock_recv: an empty string at the end, again and again") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  write(pair.right, "last");
  pair.right.close();
  for (int i = 0; i < 3; ++i) {
    create_task(read_once(&log, pair.left, 100), loop);
    loop.run_until_idle();
  }
  CHECK(log == Log{"last", "", ""});
}

TEST_CASE("sock_recv: what comes before the end is not lost") {
  EventLoop loop;
  SocketPair pair(loop);
  std::string data(300000, 'x');
  std::string result;
  int reads = 0;
  create_task(read_all(&result, &reads, pair.left), loop);
  create_task(sock_sendall(pair.right, data), loop);
  loop.run_once();
  CHECK(::shutdown(pair.left, SHUT_WR) == 0);
  while (result.size() < data.size()) {
    loop.run_once();
  }
  CHECK(::shutdown(pair.right, SHUT_WR) == 0);
  loop.run_until_idle();
  CHECK(result == data);
}

TEST_CASE("sock_recv: one byte at a time, zero bytes among them") {
  EventLoop loop;
  SocketPair pair(loop);
  const std::string data("a\0b\nc\r\xff", 7);
  std::string heard;
  create_task(echo(&heard, pair.left), loop);
  create_task(write_byte_by_byte(std::move(pair.right), data), loop);
  run_a_while(loop);
  CHECK(heard == data);
}

TEST_CASE("sock_recv: a second reader gets an error, the first goes on") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  create_task(read_or_say_why(&log, "first", pair.left), loop);
  create_task(read_or_say_why(&log, "second", pair.left), loop);
  run_a_while(loop);
  CHECK(log == Log{"second is refused"});
  write(pair.right, "it");
  run_a_while(loop);
  CHECK(log == Log{"second is refused", "first reads it"});
}

TEST_CASE("sock_recv: after the first is done, another may read") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  create_task(read_or_say_why(&log, "first", pair.left), loop);
  write(pair.right, "1");
  loop.run_until_idle();
  create_task(read_or_say_why(&log, "second", pair.left), loop);
  write(pair.right, "2");
  loop.run_until_idle();
  CHECK(log == Log{"first reads 1", "second reads 2"});
}

TEST_CASE("sock_recv: what recv() fails with is thrown at the await") {
  EventLoop loop;
  Log log;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  Socket client(connect_to("127.0.0.1", port_of(listener)), loop);
  Socket server(::accept(listener, nullptr, nullptr), loop);
  create_task(read_or_say_why(&log, "server", server), loop);
  loop.run_once();
  // Closing this way, with nothing in between, resets the connection.
  const linger at_once = {1, 0};
  REQUIRE(::setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once,
                       sizeof at_once) == 0);
  client.close();
  loop.run_until_idle();
  REQUIRE(log.size() == 1);
  CHECK(log[0].rfind("server fails: ", 0) == 0);
}

TEST_CASE("sock_recv: when another was faster it waits on") {
  EventLoop loop;
  SocketPair first(loop);
  SocketPair pair(loop);
  Log log;
  std::string stolen(100, '\0');
  loop.add_reader(first.left, [&] {
    loop.remove_reader(first.left);
    const auto count = ::recv(pair.left, stolen.data(), stolen.size(), 0);
    stolen.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  });
  create_task(read_once(&log, pair.left, 100), loop);
  loop.run_once();
  // Both can be read in the same round.
  write(pair.right, "one");
  write(first.right, "go");
  loop.run_once();
  write(pair.right, "two");
  loop.run_until_idle();
  CHECK(log == (stolen == "one" ? Log{"two"} : Log{"one"}));
}

TEST_CASE("sock_recv: what was read before its turn is not waited for") {
  EventLoop loop;
  SocketPair pair(loop);
  Log log;
  char stolen[100];
  create_task(read_once(&log, pair.left, 100), loop);
  loop.run_once();
  write(pair.right, "one");
  // Comes before what this round's wait finds.
  loop.call_soon([&] {
    CHECK(::recv(pair.left, stolen, sizeof stolen, 0) == 3);
  });
  run_a_while(loop);
  CHECK(log.empty());
  write(pair.right, "two");
  loop.run_until_idle();
  CHECK(log == Log{"two"});
}

Coroutine<> reads_into(std::string* data, int fd) {
  *data = co_await sock_recv(fd, 100);
}

TEST_CASE("sock_recv: never reads what is another descriptor's by now") {
  EventLoop loop;
  std::string error;
  loop.set_exception_handler([&](const std::string&, std::exception_ptr e) {
    error = describe(e);
  });
  const auto old_ends = stream_pair();
  const auto ends = stream_pair();
  std::optional<Socket> old(std::in_place, old_ends.first, loop);
  const Socket old_peer(old_ends.second, loop);
  const Socket here(ends.first, loop);
  const Socket there(ends.second, loop);
  std::optional<Socket> fresh;
  std::optional<Socket> fresh_peer;
  std::string of_the_old;
  std::string of_the_fresh;
  create_task(reads_into(&of_the_old, old_ends.first), loop);
  loop.run_once();
  // Called when it has been found ready as well.
  loop.add_reader(here, [&] {
    loop.remove_reader(here);
    old->close();
    const auto fresh_ends = stream_pair();
    REQUIRE(fresh_ends.first == old_ends.first);
    fresh.emplace(fresh_ends.first, loop);
    fresh_peer.emplace(fresh_ends.second, loop);
    REQUIRE(::send(*fresh_peer, "secret", 6, 0) == 6);
    create_task(reads_into(&of_the_fresh, *fresh), loop);
  });
  REQUIRE(::send(old_peer, "hello", 5, 0) == 5);
  REQUIRE(::send(there, "x", 1, 0) == 1);
  for (int round = 0; round < 6; ++round) {
    loop.call_soon([] {});
    loop.run_once();
  }
  CHECK(of_the_fresh == "secret");
  CHECK(of_the_old != "secret");
}

}  // namespace test_sock_recv
