#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static AsyncGenerator<int> ticker(Seconds delay, int to) {
  for (int i = 0; i < to; ++i) {
    co_yield i;
    co_await sleep(delay);
  }
}

static Coroutine<> follow(const char* name, Seconds delay, int to) {
  auto ticks = ticker(delay, to);
  while (const auto tick = co_await ticks.anext()) {
    std::printf("%s %d\n", name, *tick);
  }
}

static Coroutine<> two_tickers() {
  co_await gather(follow("tick", 200ms, 5), follow("  tock", 500ms, 2));
}

static const Demo<Coroutine<>()> demo{
    "ticker", "two loops at once over what comes in time", two_tickers};
