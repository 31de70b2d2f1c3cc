// TimeoutError is caught inside of the timeout's body. Nothing is: in there,
// time being up looks like any other cancellation. The TimeoutError is made at
// the end of the scope, and goes to whoever awaits that.
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
