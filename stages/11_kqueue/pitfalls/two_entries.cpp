// select, poll and epoll report a descriptor once, whatever has happened to it.
// kqueue reports each direction separately. A server that ends the connection
// at the first report still holds a second one, for a connection that is gone.
//
// Cure: look up the connection again for each report, as the loop does, or
// cancel the calls that have not been made yet. A pointer in `udata` may
// dangle.
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
  // Each kernel has an order of its own.
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
