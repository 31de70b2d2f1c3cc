// A timeout's body tries to catch TimeoutError, and never does: inside the
// scope, a timeout looks like any other cancellation. TimeoutError is thrown at
// the end of the scope, by the co_await of async_with().
//
// Cure: catch it around async_with().
//
// Prints:
//   inside: CancelledError
//   outside: TimeoutError
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> inside() {
  try {
    co_await sleep(1h);
  } catch (const TimeoutError&) {
    std::printf("inside: TimeoutError\n");
  } catch (const CancelledError&) {
    std::printf("inside: CancelledError\n");
    throw;
  }
}

static Coroutine<> outside() {
  try {
    co_await async_with(timeout(1s), inside());
  } catch (const TimeoutError&) {
    std::printf("outside: TimeoutError\n");
  }
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(outside());
}
