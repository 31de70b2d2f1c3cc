// EPOLLET reports the moment at which something arrives, not what is there. A
// program that reads a part of it and waits for the rest waits for ever: the
// moment has passed. Here the second wait gives up after 200 ms.
//
// Cure: with EPOLLET read until EAGAIN, each time. Or leave it out, as asyncio
// does: level-triggered, epoll reports again that something is left.
//
// Prints:
//   level: 4 bytes, 4 bytes, 2 bytes
//   edge: 4 bytes, and silence with 6 bytes left
//   edge, until EAGAIN: 4 + 4 + 2 bytes
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"

static void run(const char* what, unsigned flags, bool until_eagain) {
  const auto [here, there] = stream_pair();
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN | flags;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, here, &event);
  ::send(there, "0123456789", 10, 0);

  std::printf("%s:", what);
  int left = 10;
  const char* separator = "";
  while (left > 0 && ::epoll_wait(epoll, &event, 1, 200) == 1) {
    char buffer[4];
    auto count = ::recv(here, buffer, sizeof buffer, 0);
    std::printf("%s %zd", separator, count);
    while (until_eagain && count > 0) {
      count = ::recv(here, buffer, sizeof buffer, 0);
      if (count > 0) {
        std::printf(" + %zd", count);
      }
    }
    std::printf(" bytes");
    separator = ",";
    ::ioctl(here, FIONREAD, &left);
  }
  if (left > 0) {
    std::printf(", and silence with %d bytes left", left);
  }
  std::printf("\n");
  for (const int fd : {epoll, here, there}) {
    ::close(fd);
  }
}

int main() {
  run("level", 0, false);
  run("edge", EPOLLET, false);
  run("edge, until EAGAIN", EPOLLET, true);
}
