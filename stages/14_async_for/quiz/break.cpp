// A loop breaks out of a generator and the function returns. The generator's
// clean-up takes a second. In which order are the four lines printed?
//
// Explanation:
// When first() returns, its variable is destroyed, and with it the last owner
// of the generator. A destructor cannot await a clean-up of one second, so the
// loop starts a task that closes the generator, and first()'s caller goes on at
// once. Without the sleep(2s) the line "cleaned up" would be missing: when main
// has ended, run() cancels the tasks that are left, and this one is among them.
#include <cstdio>
#include <exception>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static AsyncGenerator<int> count() {
  std::exception_ptr exception;
  try {
    for (int i = 1; true; ++i) {
      co_yield i;
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await sleep(1s);
  std::printf("cleaned up\n");
  std::rethrow_exception(exception);
}

static Coroutine<int> first() {
  auto numbers = count();
  while (const auto number = co_await numbers.anext()) {
    std::printf("got %d\n", *number);
    break;
  }
  co_return 1;
}

static Coroutine<> parent() {
  co_await first();
  std::printf("first() has returned\n");
  co_await sleep(2s);
  std::printf("main ends\n");
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(parent());
}
