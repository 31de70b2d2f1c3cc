// EPOLL_CTL_MOD replaces what a descriptor is watched for. EV_ADD only adds: a
// program that adds EVFILT_WRITE still gets EVFILT_READ, and bytes that it does
// not want to read yet keep its loop awake.
//
// Cure: EV_DELETE what is not wanted any more, one filter at a time.
//
// Prints:
//   EV_ADD for writing: readable and writable
//   and EV_DELETE for reading: writable
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/kqueue.hpp"
#include "common/net.hpp"

static void change(int queue, int fd, int filter, int flags) {
  struct kevent wanted;
  EV_SET(&wanted, fd, filter, flags, 0, 0, nullptr);
  ::kevent(queue, &wanted, 1, nullptr, 0, nullptr);
}

static void show(const char* what, int queue) {
  bool readable = false;
  bool writable = false;
  struct kevent happened[2];
  const timespec moment = {0, 200'000'000};
  const int count = ::kevent(queue, nullptr, 0, happened, 2, &moment);
  for (int i = 0; i < count; ++i) {
    readable = readable || happened[i].filter == EVFILT_READ;
    writable = writable || happened[i].filter == EVFILT_WRITE;
  }
  std::printf("%s: %s%s%s\n", what, readable ? "readable" : "",
              readable && writable ? " and " : "", writable ? "writable" : "");
}

int main() {
  const auto [here, there] = stream_pair();
  ::send(there, "x", 1, 0);
  const int queue = ::kqueue();
  change(queue, here, EVFILT_READ, EV_ADD);
  change(queue, here, EVFILT_WRITE, EV_ADD);
  show("EV_ADD for writing", queue);
  change(queue, here, EVFILT_READ, EV_DELETE);
  show("and EV_DELETE for reading", queue);
  for (const int fd : {queue, here, there}) {
    ::close(fd);
  }
}
