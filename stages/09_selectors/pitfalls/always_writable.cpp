// A reply did not fit into the kernel's buffer, so the connection is watched
// for writing as well. The rest is sent, and the program still watches for
// writing. The buffer nearly always has room, so select() returns at once,
// again and again.
//
// Cure: modify(fd, EVENT_READ) as soon as nothing is left to send.
//
// Prints:
//   forgotten: select() returned more than 1000 times
//   modified: select() returned 1 time
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "common/net.hpp"
#include "selectors.hpp"

using namespace asyncio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// Returns how often select() returns while the client sends nothing.
static long wake_ups(bool tell) {
  PollSelector selector;
  const auto [server, client] = stream_pair();
  selector.register_(server, EVENT_READ | EVENT_WRITE);
  long times = 0;
  const auto end = Clock::now() + 200ms;
  while (Clock::now() < end) {
    const auto ready = selector.select(Seconds(end - Clock::now()));
    if (!ready.empty()) {
      ++times;
      // Here the rest would be sent. Nothing is left.
      if (tell) {
        selector.modify(server, EVENT_READ);
      }
    }
  }
  ::close(server);
  ::close(client);
  return times;
}

int main() {
  std::printf(
      "forgotten: select() returned %s times\n",
      wake_ups(false) > 1000 ? "more than 1000" : "a few"
  );
  std::printf("modified: select() returned %ld time\n", wake_ups(true));
}
