// One socket is watched for reading and for writing, and one byte has arrived.
// How many events does kevent() return? epoll would return one.
//
// Explanation:
// An entry of a kqueue is a pair of a descriptor and a filter. Reading and
// writing are two entries, so there are two events, each with its filter, and a
// loop that thinks in descriptors has to put them together again. If you delete
// one of the two entries, the other stays.
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

static int count_events(int queue) {
  struct kevent events[8];
  const timespec moment = {0, 200'000'000};
  return ::kevent(queue, nullptr, 0, events, 8, &moment);
}

int main() {
  const auto [here, there] = stream_pair();
  ::send(there, "x", 1, 0);
  const int queue = ::kqueue();
  change(queue, here, EVFILT_READ, EV_ADD);
  change(queue, here, EVFILT_WRITE, EV_ADD);
  std::printf("both: %d\n", count_events(queue));
  change(queue, here, EVFILT_READ, EV_DELETE);
  std::printf("one deleted: %d\n", count_events(queue));
  for (const int fd : {queue, here, there}) {
    ::close(fd);
  }
}
