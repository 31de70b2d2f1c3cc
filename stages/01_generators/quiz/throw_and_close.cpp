// One generator delegates to another. An exception is thrown in, then the
// outer one is closed. What does each of them see, and in which order?
//
// Explanation:
// What is thrown into the outer generator goes to the innermost one, which is
// where the chain is paused. It catches the error and yields 2, so the outer
// one never sees it. close() throws GeneratorExit in at the same place; the
// destructors run from the inside out, as they would if two ordinary functions
// returned. The line after the co_await is never reached.
#include <cstdio>
#include <stdexcept>

#include "generator.hpp"

using namespace asyncio;

struct Says {
  explicit Says(const char* text) : name(text) {}
  ~Says() { std::printf("%s ends\n", name); }
  const char* name;
};

static Generator<int> inner() {
  const Says says("inner");
  try {
    co_yield 1;
  } catch (const std::exception& error) {
    std::printf("inner: %s\n", error.what());
  }
  co_yield 2;
}

static Generator<int> outer() {
  const Says says("outer");
  try {
    co_await inner();
  } catch (const std::exception& error) {
    std::printf("outer: %s\n", error.what());
  }
  std::printf("after inner\n");
}

int main() {
  auto generator = outer();
  std::printf("%d\n", *generator.next());
  std::printf("%d\n", *generator.throw_(std::runtime_error("oops")));
  generator.close();
  std::printf("closed\n");
}
