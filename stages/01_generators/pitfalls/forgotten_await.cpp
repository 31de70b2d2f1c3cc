// Calling a generator function runs none of its body: without co_await (or a
// loop around it) the generator is made and dropped. Python does not report
// that for a generator, and warns at run time for a coroutine that was never
// awaited. Here the compiler warns, because Generator is [[nodiscard]].
//
// Cure: co_await g(i);
//
// Compiles: no
// Error: nodiscard
#include "generator.hpp"

using namespace asyncio;

static Generator<int> g(int x) {
  for (int i = 0; i < x; ++i) {
    co_yield i;
  }
}

static Generator<int> f(int x) {
  for (int i = 1; i <= x; ++i) {
    g(i);
  }
  co_return;
}

int main() {
  for (int value : f(4)) {
    return value;
  }
}
