// A lambda that captures must outlive the generator that it makes: the frame
// has the parameters, but only a pointer to the lambda, where the captures are.
// Here the lambda is a temporary and gone before the first next(). Without a
// sanitizer, and with -O2, the program often prints the right numbers.
//
// Cure: capture nothing. Pass parameters: the frame owns those.
//
// Flags: -fsanitize=address -O0 -g
// Exit: nonzero
// Stderr: stack-use-after
// Prints:
//   as a parameter: 5 6 7
//   captured:
#include <cstdio>

#include "generator.hpp"

using namespace asyncio;

static Generator<int> three_from(int start) {
  return [](int from) -> Generator<int> {
    for (int i = from; i < from + 3; ++i) {
      co_yield i;
    }
  }(start);
}

static Generator<int> three_from_captured(int start) {
  return [start]() -> Generator<int> {
    for (int i = start; i < start + 3; ++i) {
      co_yield i;
    }
  }();
}

static void show(const char* what, Generator<int> numbers) {
  std::printf("%s:", what);
  std::fflush(stdout);
  for (int number : numbers) {
    std::printf(" %d", number);
  }
  std::printf("\n");
}

int main() {
  show("as a parameter", three_from(5));
  show("captured", three_from_captured(5));
}
