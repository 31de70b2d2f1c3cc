// A generator is dropped half-way, and its body wants to say good-bye to the
// server. A destructor cannot wait, so the loop closes the generator in a task,
// some rounds later: whoever dropped it goes on before that, and once the loop
// has ended there is nobody to do it at all.
//
// Cure: aclose() while somebody can wait for it, best by aclosing().
//
// Prints:
//   dropped: next please
//   dropped: good-bye is sent
//   dropped last: main ends
//   closed: good-bye is sent
//   closed: main ends
#include <cstdio>
#include <exception>
#include <utility>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static AsyncGenerator<int> messages(const char* title) {
  std::exception_ptr exception;
  try {
    for (int i = 0; true; ++i) {
      co_yield i;
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await sleep(1s);
  std::printf("%s: good-bye is sent\n", title);
  std::rethrow_exception(exception);
}

static Coroutine<> first(AsyncGenerator<int> generator) {
  co_await generator.anext();
}

static Coroutine<> dropped() {
  co_await first(messages("dropped"));
  std::printf("dropped: next please\n");
  co_await sleep(2s);
}

static Coroutine<> dropped_last() {
  co_await first(messages("dropped last"));
  std::printf("dropped last: main ends\n");
}

static Coroutine<> closed() {
  auto generator = messages("closed");
  co_await async_with(aclosing(generator), first(generator));
  std::printf("closed: main ends\n");
}

static void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

int main() {
  run_virtual(dropped());
  run_virtual(dropped_last());
  run_virtual(closed());
}
