#include <cmath>
#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

// Rounded down: nobody wakes early, and a little late does not show.
static double tenths_since(Seconds start) {
  const Seconds passed = get_running_loop().time() - start;
  return std::floor(passed.count() * 10) / 10;
}

static Coroutine<> sleeper(const char* name, Seconds delay, Seconds start) {
  co_await sleep(delay);
  std::printf("  %.1f s  %s\n", tenths_since(start), name);
}

static Coroutine<> sleepers() {
  std::printf("one after the other\n");
  Seconds start = get_running_loop().time();
  co_await sleeper("long", 300ms, start);
  co_await sleeper("middle", 200ms, start);
  co_await sleeper("short", 100ms, start);
  std::printf("together\n");
  start = get_running_loop().time();
  const Task<> three[] = {
      create_task(sleeper("long", 300ms, start)),
      create_task(sleeper("middle", 200ms, start)),
      create_task(sleeper("short", 100ms, start)),
  };
  for (const Task<>& each : three) {
    co_await each;
  }
}

static const Demo<Coroutine<>()> demo{
    "sleepers", "three one after the other, three together", sleepers};
