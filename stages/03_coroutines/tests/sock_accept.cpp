#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_sock_accept {

using namespace asyncio;

Coroutine<> accept(std::vector<Socket>* clients, int listener, int count) {
  for (int i = 0; i < count; ++i) {
    Socket client = co_await sock_accept(listener);
    clients->push_back(std::move(client));
  }
}

Coroutine<> accept_or_say_why(std::string* why, int fd) {
  try {
    Socket client = co_await sock_accept(fd);
  } catch (const std::system_error& error) {
    *why = error.what();
  }
}

/// Some rounds, also if somebody waits for ever.
void run_a_while(EventLoop& loop) {
  for (int round = 0; round < 20; ++round) {
    loop.call_soon([] {});
    loop.run_once();
  }
}

TEST_CASE("sock_accept: waits for a client") {
  EventLoop loop;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  std::vector<Socket> clients;
  create_task(accept(&clients, listener, 1), loop);
  loop.run_once();
  CHECK(clients.empty());
  Socket client(connect_to("127.0.0.1", port_of(listener)), loop);
  loop.run_until_idle();
  REQUIRE(clients.size() == 1);
  CHECK(peer_address_of(clients[0]) == address_of(client));
  CHECK_FALSE(loop.is_watched(listener, EVENT_READ));
}

TEST_CASE("sock_accept: those who came before are not forgotten") {
  EventLoop loop;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  std::vector<Socket> callers;
  for (int i = 0; i < 10; ++i) {
    callers.emplace_back(connect_to("127.0.0.1", port_of(listener)), loop);
  }
  std::vector<Socket> clients;
  create_task(accept(&clients, listener, 10), loop);
  loop.run_until_idle();
  REQUIRE(clients.size() == 10);
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(peer_address_of(clients[i]) == address_of(callers[i]));
  }
}

TEST_CASE("sock_accept: the connection is non-blocking, close-on-exec") {
  EventLoop loop;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  Socket caller(connect_to("127.0.0.1", port_of(listener)), loop);
  std::vector<Socket> clients;
  create_task(accept(&clients, listener, 1), loop);
  loop.run_until_idle();
  REQUIRE(clients.size() == 1);
  CHECK((::fcntl(clients[0], F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(clients[0], F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("sock_accept: a client that has hung up already can be accepted") {
  EventLoop loop;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  const int port = port_of(listener);
  Socket(connect_to("127.0.0.1", port), loop).close();
  Socket stays(connect_to("127.0.0.1", port), loop);
  std::vector<Socket> clients;
  create_task(accept(&clients, listener, 2), loop);
  loop.run_until_idle();
  REQUIRE(clients.size() == 2);
  CHECK(peer_address_of(clients[1]) == address_of(stays));
}

TEST_CASE("sock_accept: what accept() fails with is thrown at the await") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  Socket no_listener(left, loop);
  Socket other(right, loop);
  REQUIRE(::send(other, "x", 1, 0) == 1);
  std::string why;
  create_task(accept_or_say_why(&why, no_listener), loop);
  run_a_while(loop);
  CHECK(why.rfind("accept: ", 0) == 0);
}

/// Leaves no descriptor to open, until it is destroyed.
class Scarcity {
 public:
  Scarcity() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit few = before_;
    few.rlim_cur = 64;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) {
      hoard_.push_back(fd);
    }
    CHECK(errno == EMFILE);
  }
  ~Scarcity() {
    for (const int fd : hoard_) {
      ::close(fd);
    }
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  Scarcity(const Scarcity&) = delete;
  Scarcity& operator=(const Scarcity&) = delete;

 private:
  rlimit before_ = {};
  std::vector<int> hoard_;
};

// valgrind has taken the connection by the time that it says EMFILE.
TEST_CASE("sock_accept: no descriptor left is an error, the client waits" *
          doctest::skip(under_valgrind())) {
  EventLoop loop;
  Socket listener(listen_on("127.0.0.1", 0), loop);
  Socket caller(connect_to("127.0.0.1", port_of(listener)), loop);
  std::string why;
  {
    const Scarcity scarcity;
    create_task(accept_or_say_why(&why, listener), loop);
    run_a_while(loop);
  }
  REQUIRE(why == std::string("accept: ") + std::strerror(EMFILE));
  std::vector<Socket> clients;
  create_task(accept(&clients, listener, 1), loop);
  loop.run_until_idle();
  REQUIRE(clients.size() == 1);
  CHECK(peer_address_of(clients[0]) == address_of(caller));
}

}  // namespace test_sock_accept
