// PEP 342: what yield gives is what was sent in.
#include <cstdio>
#include <random>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<int, int> countdown(int value) {
  while (value > 0) {
    const std::optional<int> step = co_yield value;
    value -= step.value_or(1);
  }
}

static void show_countdown() {
  // The same numbers everywhere: no distribution, no random seed.
  std::minstd_rand random(42);
  auto down = countdown(30);
  // The first next() runs to the first co_yield: only that can take a value.
  std::optional<int> value = down.next();
  while (value) {
    const int step = 1 + static_cast<int>(random() % 9);
    std::printf("%2d, sending %d\n", *value, step);
    value = down.send(step);
  }
  std::printf("done\n");
}

static const Demo<void()> demo{
    "countdown", "PEP 342: values sent in", show_countdown};
