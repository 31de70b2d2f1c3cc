// Two selectors watch the same socket. A byte arrives, and then a plain recv()
// reads it, of which the selectors know nothing. What do they report before and
// after?
//
// Explanation:
// A selector keeps nothing about what is ready: it asks the kernel at each
// select(). Two of them may watch the same descriptor, and both report it. When
// the byte has been read, by any part of the program, neither reports it any
// more. That is why "ready" is only a hint: the second reader may find nothing,
// and must not block.
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
