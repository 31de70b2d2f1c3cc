// A descriptor is closed while a selector watches it. select() and poll() look
// at every number in every call, and notice. epoll does not look: it has
// dropped the registration with the file, and stays silent. Here the wait gives
// up after 200 ms.
//
// Cure: call forget(fd) before close(fd), as Socket::close() does. That also
// reports a coroutine that still waits.
//
// Prints:
//   select: the closed one counts as ready
//   poll: the closed one counts as ready
//   epoll: silence
#include <unistd.h>

#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void run(const char* what, BaseSelector& selector) {
  const auto [here, there] = stream_pair();
  selector.register_(here, EVENT_READ);
  ::close(here);
  const bool ready = !selector.select(200ms).empty();
  std::printf("%s: %s\n", what,
              ready ? "the closed one counts as ready" : "silence");
  ::close(there);
}

int main() {
  SelectSelector select;
  PollSelector poll;
  EpollSelector epoll;
  run("select", select);
  run("poll", poll);
  run("epoll", epoll);
}
