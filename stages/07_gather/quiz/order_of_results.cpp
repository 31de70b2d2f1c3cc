// Three coroutines take 3, 1 and 2 seconds. In which order do they end, and in
// which order are their results?
//
// Explanation:
// They run beside each other, and each ends when its time is over: b, c, a. The
// results of gather() stand in the order of its arguments, not in the order in
// which they came; that is why you can write the names in front of it. To get
// results as they come, use as_completed().
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<char> work(char name, Seconds delay) {
  co_await sleep(delay);
  std::printf("%c ends\n", name);
  co_return name;
}

static Coroutine<> parent() {
  const auto [one, two, three] =
      co_await gather(work('a', 3s), work('b', 1s), work('c', 2s));
  std::printf("%c %c %c\n", one, two, three);
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(parent());
}
