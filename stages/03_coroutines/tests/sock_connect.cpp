#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_sock_connect {

using namespace asyncio;

Coroutine<> accept_and_greet(int listener, std::string greeting) {
  Socket client = co_await sock_accept(listener);
  co_await sock_sendall(client, std::move(greeting));
}

/// Ends the run with a coroutine, though others may still wait.
struct Stop {
  explicit Stop(EventLoop& its_loop) : loop(its_loop) {}
  Stop(const Stop&) = delete;
  Stop& operator=(const Stop&) = delete;
  ~Stop() { loop.stop(); }
  EventLoop& loop;
};

Coroutine<> greeted(std::string* result, std::string host, int port) {
  const Stop at_the_end(get_running_loop());
  Socket server(tcp_socket(AF_INET));
  co_await sock_connect(server, std::move(host), port);
  *result = peer_address_of(server);
  while (true) {
    const std::string data = co_await sock_recv(server, 100);
    if (data.empty()) {
      co_return;
    }
    *result += " says " + data;
  }
}

Coroutine<> connect_or_say_why(std::error_code* why, int family, int port) {
  Socket server(tcp_socket(family));
  try {
    co_await sock_connect(server, "127.0.0.1", port);
  } catch (const std::system_error& error) {
    *why = error.code();
  }
}

Coroutine<> connect_to_nobody(std::string* why) {
  Socket server(tcp_socket(AF_INET));
  try {
    co_await sock_connect(server, "not a name", 1);
  } catch (const std::exception& error) {
    *why = error.what();
  }
}

/// A port where nobody listens, for as long as this lives.
class DeadEnd {
 public:
  explicit DeadEnd(EventLoop& loop)
      : listener_(listen_on("127.0.0.1", 0), loop), port_(port_of(listener_)) {
    listener_.close();
  }
  int port() const { return port_; }

 private:
  Socket listener_;
  int port_;
};

TEST_CASE("sock_connect: connects, in one thread with the server") {
  EventLoop loop;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  const int port = port_of(listener);
  std::string result;
  create_task(greeted(&result, "127.0.0.1", port), loop);
  create_task(accept_and_greet(listener, "hello"), loop);
  loop.run_until_idle();
  CHECK(result == "127.0.0.1:" + std::to_string(port) + " says hello");
}

TEST_CASE("sock_connect: refused is a std::system_error at the await") {
  EventLoop loop;
  const DeadEnd dead_end(loop);
  std::error_code why;
  create_task(connect_or_say_why(&why, AF_INET, dead_end.port()), loop);
  loop.run_until_idle();
  CHECK(why == std::errc::connection_refused);
}

TEST_CASE("sock_connect: refused leaves the others alone") {
  EventLoop loop;
  const DeadEnd dead_end(loop);
  Socket listener(listen_on("127.0.0.1", 0), loop);
  std::error_code why;
  std::string result;
  create_task(connect_or_say_why(&why, AF_INET, dead_end.port()), loop);
  create_task(greeted(&result, "127.0.0.1", port_of(listener)), loop);
  create_task(accept_and_greet(listener, "hi"), loop);
  loop.run_until_idle();
  CHECK(why == std::errc::connection_refused);
  CHECK(result.find(" says hi") != std::string::npos);
}

TEST_CASE("sock_connect: an address of another family") {
  EventLoop loop;
  std::error_code why;
  int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  if (fd < 0) {
    MESSAGE("skipped: no IPv6 here");
    return;
  }
  ::close(fd);
  create_task(connect_or_say_why(&why, AF_INET6, 1), loop);
  loop.run_until_idle();
  CHECK(why == std::errc::address_family_not_supported);
}

TEST_CASE("sock_connect: a name that means nothing") {
  EventLoop loop;
  std::string why;
  create_task(connect_to_nobody(&why), loop);
  loop.run_until_idle();
  CHECK(why != "");
}

TEST_CASE("sock_connect: by name, where localhost is known") {
  if (!has_localhost()) {
    return;
  }
  EventLoop loop;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  std::vector<std::string> results(5);
  for (auto& result : results) {
    create_task(greeted(&result, "localhost", port_of(listener)), loop);
    create_task(accept_and_greet(listener, "x"), loop);
    loop.run_until_idle();
  }
  for (const auto& result : results) {
    CHECK(result.find(" says x") != std::string::npos);
  }
}

}  // namespace test_sock_connect
