#include "common/net.hpp"

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/testing.hpp"

namespace {

bool nonblocking(int fd) { return (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0; }
bool cloexec(int fd) { return (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

std::string error_of(const std::string& host, int port) {
  try {
    close(listen_on(host, port));
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("listening, connecting, and the names of both ends") {
  const int listener = listen_on("127.0.0.1", 0);
  CHECK(nonblocking(listener));
  CHECK(cloexec(listener));
  const int port = port_of(listener);
  CHECK(port > 0);
  CHECK(address_of(listener) == "127.0.0.1:" + std::to_string(port));

  const int client = connect_to("127.0.0.1", port);
  CHECK(!nonblocking(client));
  CHECK(cloexec(client));
  CHECK(peer_address_of(client) == address_of(listener));
  set_nodelay(client);
  close(client);
  close(listener);
}

TEST_CASE("a blocking listener") {
  const int listener = listen_on("127.0.0.1", 0, true);
  CHECK(!nonblocking(listener));
  close(listener);
}

TEST_CASE("names for addresses, where localhost is known") {
  if (!has_localhost()) {
    return;
  }
  const int listener = listen_on("localhost", 0);
  close(connect_to("localhost", port_of(listener)));
  close(listener);
}

TEST_CASE("IPv6, where there is any") {
  int listener = -1;
  try {
    listener = listen_on("::1", 0);
  } catch (const std::system_error&) {
    MESSAGE("skipped: no IPv6 here");
    return;
  }
  const auto port = std::to_string(port_of(listener));
  CHECK(address_of(listener) == "[::1]:" + port);
  close(listener);
}

TEST_CASE("errors say what and why") {
  const int listener = listen_on("127.0.0.1", 0);
  const int port = port_of(listener);
  const auto address = address_of(listener);
  CHECK(
      error_of("127.0.0.1", port) ==
      "cannot listen on " + address + ": Address already in use"
  );
  // Too long for a name: nobody is asked for it.
  const std::string name(300, 'x');
  CHECK(error_of(name, 1).rfind("cannot listen on " + name + ":1: ", 0) == 0);
  close(listener);
  CHECK_THROWS_WITH_AS(
      connect_to("127.0.0.1", port),
      doctest::Contains("Connection refused"),
      std::system_error
  );
}

TEST_CASE("a failed call leaves no descriptor behind") {
  const int listener = listen_on("127.0.0.1", 0);
  const int before = open_descriptors();
  error_of("127.0.0.1", port_of(listener));
  CHECK(open_descriptors() == before);
  close(listener);
}

TEST_CASE("connecting without blocking") {
  const int listener = listen_on("127.0.0.1", 0);
  const int port = port_of(listener);
  const int client = tcp_socket(AF_INET);
  CHECK(nonblocking(client));
  CHECK(cloexec(client));
  const int error = start_connect(client, "127.0.0.1", port);
  CHECK((error == 0 || error == EINPROGRESS));
  pollfd writable{client, POLLOUT, 0};
  CHECK(poll(&writable, 1, 5000) == 1);
  CHECK(connect_error(client) == 0);
  CHECK(peer_address_of(client) == address_of(listener));
  close(client);
  close(listener);

  const int refused = tcp_socket(AF_INET);
  int outcome = start_connect(refused, "127.0.0.1", port);
  if (outcome == EINPROGRESS) {
    writable.fd = refused;
    CHECK(poll(&writable, 1, 5000) == 1);
    outcome = connect_error(refused);
  }
  CHECK(outcome == ECONNREFUSED);
  CHECK(start_connect(refused, "::1", port) == EAFNOSUPPORT);
  close(refused);
}

TEST_CASE("a pair of sockets is connected and non-blocking") {
  const auto [one, other] = stream_pair();
  CHECK(nonblocking(one));
  CHECK(nonblocking(other));
  CHECK(cloexec(one));
  CHECK(cloexec(other));
  char byte = 0;
  CHECK(recv(one, &byte, 1, 0) == -1);
  CHECK(errno == EAGAIN);
  CHECK(send(other, "x", 1, 0) == 1);
  CHECK(recv(one, &byte, 1, 0) == 1);
  CHECK(byte == 'x');
  set_nonblocking(one, false);
  CHECK(!nonblocking(one));
  close(one);
  close(other);
}

TEST_CASE("throw_errno") {
  errno = ENOENT;
  CHECK_THROWS_WITH_AS(
      throw_errno("open it"),
      "open it: No such file or directory",
      std::system_error
  );
}

TEST_CASE("the limit of descriptors can be raised") {
  CHECK(raise_descriptor_limit() > 0);
  CHECK(raise_descriptor_limit() == raise_descriptor_limit());
}

TEST_CASE("net: an error that was taken out of a socket is not lost") {
  const int fd = tcp_socket(AF_INET);
  keep_connect_error(fd, ECONNREFUSED);
  CHECK(kept_connect_error(fd) == ECONNREFUSED);
  CHECK(kept_connect_error(fd) == 0);
  keep_connect_error(fd, ECONNREFUSED);
  ::close(fd);
  const auto [connected, other] = stream_pair();
  keep_connect_error(connected, ECONNREFUSED);
  CHECK(kept_connect_error(connected) == 0);
  ::close(connected);
  ::close(other);
}
