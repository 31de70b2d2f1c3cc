// The same socket in two selectors. It is written to, and read by somebody who
// knows of neither. What do the selectors say?
//
// Explanation:
// A selector keeps nothing about what is ready: it asks the kernel at each
// select(). Two of them may watch the same descriptor, both are told, and when
// somebody else has read the bytes, both say that there is nothing. That is why
// "ready" is only a hint: whoever comes second may find nothing, and must not
// block.
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
  SelectSelector one;
  PollSelector two;
  one.register_(here, EVENT_READ);
  two.register_(here, EVENT_READ);
  ::send(there, "x", 1, 0);
  ask(one, "select");
  ask(two, "poll");
  char byte;
  ::recv(here, &byte, 1, 0);
  ask(one, "select");
  ask(two, "poll");
  one.unregister(here);
  two.unregister(here);
  ::close(here);
  ::close(there);
}
