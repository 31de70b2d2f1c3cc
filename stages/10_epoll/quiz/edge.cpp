// Two epolls watch the same socket, on which five bytes arrive: one is
// level-triggered, one edge-triggered. Two bytes are read, and both are asked
// again. What do they report?
//
// Explanation:
// Level-triggered means "there is something to read", and epoll reports that
// for as long as it is true. Edge-triggered means "something has come since the
// last report": after the first report epoll is silent, though three bytes lie
// there, until the next byte arrives. With edge-triggered reports a program
// must read until EAGAIN each time.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"

static int watch(int epoll, int fd, unsigned events) {
  epoll_event event = {};
  event.events = events;
  event.data.fd = fd;
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static int count_ready(int epoll) {
  epoll_event events[8];
  return ::epoll_wait(epoll, events, 8, 0);
}

static void ask(const char* when, int level, int edge) {
  std::printf("%s: level %d, edge %d\n", when, count_ready(level),
              count_ready(edge));
}

int main() {
  const auto [here, there] = stream_pair();
  const int level = ::epoll_create1(EPOLL_CLOEXEC);
  const int edge = ::epoll_create1(EPOLL_CLOEXEC);
  watch(level, here, EPOLLIN);
  watch(edge, here, EPOLLIN | EPOLLET);
  ::send(there, "hello", 5, 0);
  ask("five bytes", level, edge);
  char bytes[2];
  ::recv(here, bytes, 2, 0);
  ask("two read", level, edge);
  ::send(there, "!", 1, 0);
  ask("one more", level, edge);
  for (const int fd : {here, there, level, edge}) {
    ::close(fd);
  }
}
