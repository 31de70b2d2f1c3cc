// select() has a bit for each descriptor below FD_SETSIZE, and none for the
// others. The limit is on the number, not on how many descriptors are watched:
// a process that has 1,024 files open cannot watch one socket more.
//
// Cure: poll(), whose array holds the numbers themselves.
//
// Prints:
//   select: descriptor 1500 is out of range for select() (FD_SETSIZE is 1024)
//   poll: descriptor 1500 is readable
#include <unistd.h>

#include <cstdio>
#include <exception>

#include "common/net.hpp"
#include "selectors.hpp"

using namespace asyncio;

static void watch_one(const char* name, BaseSelector& selector, int fd) {
  try {
    selector.register_(fd, EVENT_READ);
    for (const auto& [key, events] : selector.select(std::nullopt)) {
      std::printf("%s: descriptor %d is readable\n", name, key.fd);
    }
  } catch (const std::exception& error) {
    std::printf("%s: %s\n", name, error.what());
  }
}

int main() {
  raise_descriptor_limit();
  const auto [here, there] = stream_pair();
  const int high = ::dup2(here, 1500);
  if (high < 0) {
    std::puts("this process may not have a descriptor 1500");
    return 1;
  }
  [[maybe_unused]] const auto count = ::write(there, "x", 1);
  SelectSelector by_select;
  watch_one("select", by_select, high);
  PollSelector by_poll;
  watch_one("poll", by_poll, high);
}
