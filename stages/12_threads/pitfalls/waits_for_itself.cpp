// A call in a pool hands a part of its work to the same pool and waits for it.
// If all threads of the pool do so, none is left for the parts: each waits for
// a call that stands behind it in the queue. With one thread the first call is
// enough; with 32 it happens on a busy day.
//
// Cure: a call in a pool does not wait for that pool. It returns, and the
// caller submits the next call, as a coroutine does that awaits one after the
// other. Or use a second pool for the parts.
//
// Hangs: 1
// Prints:
//   two pools: 42
//   one pool: waits
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

static int part() { return 42; }

int main() {
  concurrent::ThreadPoolExecutor executor(1);
  concurrent::ThreadPoolExecutor for_parts(1);
  const auto cured = executor.submit([&] {
    return for_parts.submit(part).result();
  });
  std::printf("two pools: %d\n", cured.result());

  const auto wrong = executor.submit([&] {
    std::printf("one pool: waits\n");
    std::fflush(stdout);
    return executor.submit(part).result();
  });
  std::printf("one pool: %d\n", wrong.result());
}
