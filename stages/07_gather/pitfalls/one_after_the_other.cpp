// A program needs two answers and awaits each where it asks for it. The second
// question is sent when the first answer is there, so the times add up. Making
// both coroutines first changes nothing, since a coroutine does not run until
// it is awaited.
//
// Cure: gather(), or a task for each before the first co_await.
//
// Prints:
//   one co_await after the other: 3 s
//   both made first, then awaited: 3 s
//   gather: 2 s
//   two tasks, then awaited: 2 s
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<int> ask(Seconds takes) {
  co_await sleep(takes);
  co_return 21;
}

static Coroutine<int> one_after_the_other() {
  const int one = co_await ask(1s);
  const int two = co_await ask(2s);
  co_return one + two;
}

static Coroutine<int> made_first() {
  auto one = ask(1s);
  auto two = ask(2s);
  const int first = co_await one;
  const int second = co_await two;
  co_return first + second;
}

static Coroutine<int> gathered() {
  const auto [one, two] = co_await gather(ask(1s), ask(2s));
  co_return one + two;
}

static Coroutine<int> tasks() {
  const auto one = create_task(ask(1s));
  const auto two = create_task(ask(2s));
  const int first = co_await one;
  const int second = co_await two;
  co_return first + second;
}

static void measure(const char* what, Coroutine<int> sum) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(sum));
  std::printf("%s: %g s\n", what, runner.get_loop().time().count());
}

int main() {
  measure("one co_await after the other", one_after_the_other());
  measure("both made first, then awaited", made_first());
  measure("gather", gathered());
  measure("two tasks, then awaited", tasks());
}
