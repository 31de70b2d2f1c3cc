// The client has sent everything and closed its direction. It reads slowly, and
// the server has much left to send. A stream that has ended stays readable: a
// server that still watches for reading is woken all the time, though it only
// has to write.
//
// Cure: modify(fd, EVENT_WRITE) once recv() has returned 0.
//
// Prints:
//   still reading: woken more than 1000 times
//   only writing: woken 0 times
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "common/net.hpp"
#include "selectors.hpp"

using namespace asyncio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// Returns how often select() returns while the client reads nothing.
static long wake_ups(int events) {
  PollSelector selector;
  const auto [server, client] = stream_pair();
  ::shutdown(client, SHUT_WR);
  const std::string reply(100'000, 'x');
  while (::send(server, reply.data(), reply.size(), 0) > 0) {
  }
  selector.register_(server, EVENT_READ | EVENT_WRITE);
  char byte;
  if (::recv(server, &byte, 1, 0) == 0) {
    selector.modify(server, events);
  }
  long times = 0;
  const auto end = Clock::now() + 200ms;
  while (Clock::now() < end) {
    if (!selector.select(Seconds(end - Clock::now())).empty()) {
      ++times;
    }
  }
  ::close(server);
  ::close(client);
  return times;
}

int main() {
  std::printf(
      "still reading: woken %s times\n",
      wake_ups(EVENT_READ | EVENT_WRITE) > 1000 ? "more than 1000" : "a few"
  );
  std::printf("only writing: woken %ld times\n", wake_ups(EVENT_WRITE));
}
