// select, poll and epoll tell of a descriptor once, whatever has happened to
// it. kqueue tells of each direction by itself. Whoever ends the connection
// when he hears of the first has a second entry in hand for somebody who is
// gone.
//
// Cure: look it up again for each entry, as the loop does, or take back what is
// not yet called. A pointer in `udata` could be a dangling one.
//
// Prints:
//   select: readable and writable
//   poll: readable and writable
//   kqueue: readable, writable
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

static void run(const char* name, BaseSelector& selector) {
  const auto [here, there] = stream_pair();
  selector.register_(here, EVENT_READ | EVENT_WRITE);
  [[maybe_unused]] const auto count = ::write(there, "x", 1);
  auto ready = selector.select(std::nullopt);
  // In which order is each kernel's own affair.
  std::sort(ready.begin(), ready.end(), [](const auto& a, const auto& b) {
    return a.second < b.second;
  });
  std::printf("%s:", name);
  const char* separator = "";
  for (const auto& [key, events] : ready) {
    const bool both = events == (EVENT_READ | EVENT_WRITE);
    std::printf("%s %s", separator,
                both                   ? "readable and writable"
                : events == EVENT_READ ? "readable"
                                       : "writable");
    separator = ",";
  }
  std::printf("\n");
  selector.forget(here);
  ::close(here);
  ::close(there);
}

int main() {
  SelectSelector select;
  PollSelector poll;
  KqueueSelector kqueue;
  run("select", select);
  run("poll", poll);
  run("kqueue", kqueue);
}
