// A descriptor is watched by epoll, duplicated, and closed. The duplicate was
// never registered. A byte arrives: does epoll report anything?
//
// Explanation:
// epoll does not watch the number but the open file behind it. The registration
// ends when the last descriptor of that file is closed, and the duplicate keeps
// it open. So epoll reports an event for a number that is closed, and the
// registration can no longer be removed by that number. Once the duplicate is
// closed, everything is gone.
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

int main() {
  const auto [here, there] = stream_pair();
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  watch(epoll, here, EPOLLIN);
  const int copy = ::dup(here);
  ::close(here);
  ::send(there, "x", 1, 0);
  std::printf("closed, with a copy: %d\n", count_ready(epoll));
  std::printf("taking it back: %s\n",
              ::epoll_ctl(epoll, EPOLL_CTL_DEL, here, nullptr) == 0
                  ? "fine"
                  : "an error");
  ::close(copy);
  std::printf("copy closed: %d\n", count_ready(epoll));
  ::close(there);
  ::close(epoll);
}
