// The other end of a connection is closed. Is the descriptor ready, for what,
// and for how long?
//
// Explanation:
// "Readable" means that recv() will not block, and at the end of a stream it
// does not: it returns 0 at once. So a connection that is closed at the other
// end is readable, now and for ever, and the selector reports it in every wait
// until the program unregisters it. A descriptor that is watched for writing is
// reported as well: send() would not block either, it would fail.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"
#include "selectors.hpp"

using namespace asyncio;

static void ask(BaseSelector& selector, const char* when) {
  const auto ready = selector.select(Seconds(0));
  std::printf("%s:", when);
  for (const auto& [key, events] : ready) {
    std::printf("%s%s", events & EVENT_READ ? " read" : "",
                events & EVENT_WRITE ? " write" : "");
  }
  std::printf("%s\n", ready.empty() ? " nothing" : "");
}

int main() {
  const auto [here, there] = stream_pair();
  PollSelector selector;
  selector.register_(here, EVENT_READ);
  ask(selector, "open");
  ::close(there);
  ask(selector, "closed");
  char byte;
  std::printf("recv: %d\n", static_cast<int>(::recv(here, &byte, 1, 0)));
  ask(selector, "after recv");
  selector.modify(here, EVENT_READ | EVENT_WRITE);
  ask(selector, "both");
  selector.unregister(here);
  ::close(here);
}
