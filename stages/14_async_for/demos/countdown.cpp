// PEP 525: the countdown of stage 01, which now takes its time.
#include <cstdio>
#include <random>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static AsyncGenerator<int, int> countdown(int value) {
  while (value > 0) {
    const auto step = co_yield value;
    value -= step.value_or(1);
    co_await sleep(100ms);
  }
}

static Coroutine<> show_countdown() {
  // The same numbers everywhere: no distribution, no random seed.
  std::minstd_rand random(42);
  auto down = countdown(30);
  auto value = co_await down.anext();
  while (value) {
    const int step = 1 + static_cast<int>(random() % 9);
    std::printf("%2d, sending %d\n", *value, step);
    value = co_await down.asend(step);
  }
  std::printf("done\n");
}

static const Demo<Coroutine<>()> demo{
    "countdown", "values sent in, with sleeps in between", show_countdown};
