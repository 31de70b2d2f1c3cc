// Two tasks add to the same total. Each does so in one line, without a local
// variable for the old value. Is an update lost?
//
// Explanation:
// Not in this program. In `total += value` C++ evaluates the right side first,
// await included, and only then reads the left one: reading, adding and writing
// all happen after the await. Python does it the other way round: it reads
// `total`, awaits, and adds to what it has read, so its answer is 2. Code that
// is right for such a reason does not stay right for long: name the value,
// await it, and add it in a line of its own.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static int total = 0;

static Coroutine<int> ask(int value) {
  co_await sleep(1s);
  co_return value;
}

static Coroutine<> add(int value) { total += co_await ask(value); }

static Coroutine<> both() { co_await gather(add(1), add(2)); }

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
  std::printf("%d\n", total);
}
