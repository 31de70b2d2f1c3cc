// EpollSelector does not tell the kernel at once that a descriptor is not
// wanted any more: most are wanted again before the next wait. So it remembers
// what the kernel knows. A descriptor that is closed behind its back leaves a
// wrong memory: the next one with the same number is taken for registered,
// and nobody ever hears of it. Here the wait gives up after 200 ms.
//
// Cure: forget(fd), then close(fd). Socket does it.
//
// Prints:
//   unregistered, closed: the next one is not heard
//   unregistered, forgotten, closed: the next one is heard
#include <unistd.h>

#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void run(const char* what, bool forget) {
  EpollSelector selector;
  const auto [here, there] = stream_pair();
  const int first = ::dup(here);
  selector.register_(first, EVENT_READ);
  selector.unregister(first);
  if (forget) {
    selector.forget(first);
  }
  ::close(first);

  const auto [next, source] = stream_pair();
  ::dup2(next, first);
  selector.register_(first, EVENT_READ);
  [[maybe_unused]] const auto count = ::write(source, "x", 1);
  const bool heard = !selector.select(200ms).empty();
  std::printf("%s: the next one is %sheard\n", what, heard ? "" : "not ");
  for (const int fd : {here, there, next, source, first}) {
    ::close(fd);
  }
}

int main() {
  run("unregistered, closed", false);
  run("unregistered, forgotten, closed", true);
}
