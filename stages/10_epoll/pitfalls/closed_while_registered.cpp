// A descriptor is closed while somebody waits for it. select() and poll() look
// at every number in every call and notice. epoll does not look: it has dropped
// the registration with the file and says nothing, ever. Here the wait gives up
// after 200 ms.
//
// Cure: whoever closes tells first. Socket::close() does, and has the loop say
// that a coroutine still waits.
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
