// expect_forget(fd) is a promise that forget(fd) comes before close(fd). Then
// an EpollSelector does not tell the kernel at once that fd was unregistered,
// for it will be wanted again soon. A broken promise leaves a wrong memory: the
// next descriptor with the same number is taken for one that the kernel knows,
// and nobody hears of it. Here the wait gives up after 200 ms.  Cure: promise
// nothing, or keep it. Socket does both calls.  Prints:   nothing promised: the
// next one is heard   promised, not forgotten: the next one is not heard
// promised and forgotten: the next one is heard
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
  const bool heard = !selector.select(200ms).empty();
  std::printf("%s: the next one is %sheard\n", what, heard ? "" : "not ");
  for (const int fd : {here, there, next, source, first}) {
    ::close(fd);
  }
}

int main() {
  run("nothing promised", false, false);
  run("promised, not forgotten", true, false);
  run("promised and forgotten", true, true);
}
