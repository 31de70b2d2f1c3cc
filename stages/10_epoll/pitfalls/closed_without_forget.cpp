// expect_forget(fd) is a promise that forget(fd) comes before close(fd). Then
// an EpollSelector does not tell the kernel at once that fd was unregistered,
// because it will be registered again soon. When the promise is broken, the
// selector takes the next descriptor with that number for one that the kernel
// watches, and never reports it. Here the wait gives up after 200 ms.
//
// Cure: promise nothing, or keep the promise. Socket makes both calls.
//
// Prints:
//   nothing promised: the next connection is reported
//   promised, not forgotten: the next connection is not reported
//   promised and forgotten: the next connection is reported
#include <unistd.h>

#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void run(const char* what, bool promise, bool forget) {
  EpollSelector selector;
  const auto [here, there] = stream_pair();
  const int first = ::dup(here);
  if (promise) {
    selector.expect_forget(first);
  }
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
  const bool reported = !selector.select(200ms).empty();
  std::printf("%s: the next connection is %sreported\n", what,
              reported ? "" : "not ");
  for (const int fd : {here, there, next, source, first}) {
    ::close(fd);
  }
}

int main() {
  run("nothing promised", false, false);
  run("promised, not forgotten", true, false);
  run("promised and forgotten", true, true);
}
