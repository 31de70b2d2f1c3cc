// kevent() can make changes and wait in one call. If a change fails then, the
// call does not: it returns an event with EV_ERROR. What looks like "one
// descriptor is ready" means that the descriptor is not watched.
//
// Cure: look for EV_ERROR first. Or make changes in a call of their own, with
// no room for events: only such a call returns -1. KqueueSelector does that.
//
// Prints:
//   with room for events: 1, "descriptor 999 is ready"
//   what it was: Bad file descriptor
//   without: -1, Bad file descriptor
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "common/kqueue.hpp"

int main() {
  const int queue = ::kqueue();
  struct kevent wanted;
  EV_SET(&wanted, 999, EVFILT_READ, EV_ADD, 0, 0, nullptr);
  struct kevent happened = {};
  int count = ::kevent(queue, &wanted, 1, &happened, 1, nullptr);
  std::printf("with room for events: %d, \"descriptor %d is ready\"\n", count,
              static_cast<int>(happened.ident));
  if (happened.flags & EV_ERROR) {
    std::printf("what it was: %s\n",
                std::strerror(static_cast<int>(happened.data)));
  }
  count = ::kevent(queue, &wanted, 1, nullptr, 0, nullptr);
  std::printf("without: %d, %s\n", count, std::strerror(errno));
  ::close(queue);
}
