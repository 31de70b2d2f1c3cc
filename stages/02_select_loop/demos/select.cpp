// select(2) without a loop: its three sets, seen from one end of a connection.
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/command_line.hpp"
#include "common/net.hpp"

static fd_set only(int fd) {
  fd_set set;
  FD_ZERO(&set);
  FD_SET(fd, &set);
  return set;
}

static void show(const char* when, int fd) {
  fd_set read = only(fd);
  fd_set write = only(fd);
  fd_set except = only(fd);
  ::select(fd + 1, &read, &write, &except, nullptr);
  const char* readable = FD_ISSET(fd, &read) ? " readable" : "";
  const char* writable = FD_ISSET(fd, &write) ? " writable" : "";
  const char* urgent = FD_ISSET(fd, &except) ? " exceptional" : "";
  std::printf("%s:%s%s%s\n", when, readable, writable, urgent);
}

static void three_sets() {
  const int listener = listen_on("127.0.0.1", 0, true);
  const int peer = connect_to("127.0.0.1", port_of(listener));
  const int fd = ::accept(listener, nullptr, nullptr);
  show("connected", fd);

  ::send(peer, "hello", 5, 0);
  fd_set set = only(fd);
  ::select(fd + 1, &set, nullptr, nullptr, nullptr);
  show("five bytes have come", fd);

  char bytes[5];
  ::recv(fd, bytes, sizeof bytes, MSG_WAITALL);
  show("they were read", fd);

  ::send(peer, "!", 1, MSG_OOB);
  set = only(fd);
  ::select(fd + 1, nullptr, nullptr, &set, nullptr);
  show("an urgent byte has come", fd);
  ::recv(fd, bytes, 1, MSG_OOB);

  ::close(peer);
  set = only(fd);
  ::select(fd + 1, &set, nullptr, nullptr, nullptr);
  show("the other end was closed", fd);
  ::close(fd);
  ::close(listener);
}

static const Demo<void()> demo{
    "select", "select(2): readable, writable, exceptional", three_sets};
