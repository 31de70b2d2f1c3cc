// EV_ADD for a filter that is there already, EV_DELETE for one that is not:
// which of the two is an error?
//
// Explanation:
// EV_ADD of an entry that is there already changes it and is no error; epoll's
// EPOLL_CTL_ADD would fail with EEXIST. EV_DELETE of an entry that is not there
// fails with ENOENT. So a selector has to remember which entries it has added,
// and delete only those.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "common/kqueue.hpp"
#include "common/net.hpp"

static const char* change(int queue, int fd, int filter, int flags) {
  struct kevent wanted;
  EV_SET(&wanted, fd, filter, flags, 0, 0, nullptr);
  if (::kevent(queue, &wanted, 1, nullptr, 0, nullptr) == 0) {
    return "fine";
  }
  return errno == ENOENT ? "no such entry" : "another error";
}

int main() {
  const auto [here, there] = stream_pair();
  const int queue = ::kqueue();
  std::printf("add: %s\n", change(queue, here, EVFILT_READ, EV_ADD));
  std::printf("add: %s\n", change(queue, here, EVFILT_READ, EV_ADD));
  std::printf("delete: %s\n", change(queue, here, EVFILT_READ, EV_DELETE));
  std::printf("delete: %s\n", change(queue, here, EVFILT_READ, EV_DELETE));
  for (const int fd : {queue, here, there}) {
    ::close(fd);
  }
}
