// Several generators at the same time, driven in turn by hand.
#include <cstdio>
#include <deque>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<void> cook(const char* dish, int steps) {
  for (int step = 1; step <= steps; ++step) {
    std::printf("%s: step %d of %d\n", dish, step, steps);
    co_yield None;
  }
  std::printf("%s: done\n", dish);
}

static void show_round_robin() {
  std::deque<Generator<void>> ready;
  ready.push_back(cook("soup", 2));
  ready.push_back(cook("roast", 4));
  ready.push_back(cook("salad", 1));
  while (!ready.empty()) {
    auto current = std::move(ready.front());
    ready.pop_front();
    if (current.next()) {
      ready.push_back(std::move(current));
    }
  }
  // Three at once, without a thread. But who should write this loop? And what
  // if the roast has to wait for the oven: must all go round and round?
}

static const Demo<void()> demo{
    "round_robin", "several at once, driven by hand", show_round_robin};
