// PEP 255: a function that gives its values one by one, for ever.
#include <cstdio>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<int> count(int start = 0, int step = 1) {
  int value = start;
  while (true) {
    co_yield value;
    value += step;
  }
}

static void show_count() {
  auto numbers = count();
  std::printf("%d", *numbers.next());
  std::printf(" %d", *numbers.next());
  std::printf(" %d\n", *numbers.next());
  // It is paused after the 2 and does not mind who goes on, or where.
  for (int number : numbers) {
    std::printf("%d%s", number, number < 9 ? " " : "\n");
    if (number >= 9) {
      break;
    }
  }
  for (int number : count(10, 5)) {
    std::printf("%d%s", number, number < 30 ? " " : "\n");
    if (number >= 30) {
      break;
    }
  }
}

static const Demo<void()> demo{
    "count", "PEP 255: a function that yields", show_count};
