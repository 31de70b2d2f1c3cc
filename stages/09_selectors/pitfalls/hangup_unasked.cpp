// poll() reports three events that a program need not ask for: POLLHUP, POLLERR
// and POLLNVAL. When the other end of a pipe is closed, POLLHUP arrives alone,
// at least on Linux. A program that looks only for POLLIN is woken for ever,
// and never sees the end.
//
// Cure: count every event but POLLOUT as readable. The read() that follows
// returns bytes, the end or an error.
//
// Prints:
//   only POLLIN: woken 1000 times, and nothing to read
//   PollSelector: readable, read() returns 0
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "selectors.hpp"

using namespace asyncio;

int main() {
  int ends[2];
  if (::pipe(ends) != 0) {
    return 1;
  }
  ::close(ends[1]);

  int woken = 0;
  while (woken < 1000) {
    pollfd asked = {ends[0], POLLIN, 0};
    ::poll(&asked, 1, -1);
    if (asked.revents & POLLIN) {
      break;
    }
    ++woken;
  }
  std::printf("only POLLIN: woken %d times, and nothing to read\n", woken);

  PollSelector selector;
  selector.register_(ends[0], EVENT_READ);
  for (const auto& [key, events] : selector.select(std::nullopt)) {
    char byte;
    const int count = static_cast<int>(::read(key.fd, &byte, 1));
    std::printf("PollSelector: readable, read() returns %d\n", count);
  }
}
