// Two workers share one generator as if it were a queue. It has one body, which
// can wait for one thing at a time: the second anext() is refused while the
// first one is under way.
//
// Cure: a Queue, which one task fills from the generator. (Or a lock around
// anext(), if the workers have nothing better to do than to wait for it.)
//
// Prints:
//   second: anext(): asynchronous generator is already running
//   first: page 0
//   first: page 1
//   first: page 2
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static AsyncGenerator<int> pages() {
  for (int page = 0; page < 3; ++page) {
    co_await sleep(1s);
    co_yield page;
  }
}

static Coroutine<> work(const char* name, AsyncGenerator<int> source) {
  try {
    while (const auto page = co_await source.anext()) {
      std::printf("%s: page %d\n", name, *page);
    }
  } catch (const std::logic_error& error) {
    std::printf("%s: %s\n", name, error.what());
  }
}

static Coroutine<> both() {
  auto source = pages();
  co_await gather(work("first", source), work("second", source));
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
