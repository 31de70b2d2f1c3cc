#include <chrono>
#include <cstdio>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> tick(int* ticks) {
  while (true) {
    co_await sleep(500ms);
    std::printf("  tick\n");
    std::fflush(stdout);
    ++*ticks;
  }
}

static bool is_prime(int number) {
  for (int divisor = 2; divisor * divisor <= number; ++divisor) {
    if (number % divisor == 0) {
      return false;
    }
  }
  return number > 1;
}

/// Computes for two seconds, and never waits.
static int count_primes() {
  const auto end = std::chrono::steady_clock::now() + 2s;
  int count = 0;
  for (int number = 0; std::chrono::steady_clock::now() < end; ++number) {
    count += is_prime(number);
  }
  return count;
}

static Coroutine<int> in_the_loop() { co_return count_primes(); }

static Coroutine<int> in_the_pool() { return to_thread(count_primes); }

static Coroutine<> beside_a_clock(const char* where, Coroutine<int> computing) {
  std::printf("%s:\n", where);
  int ticks = 0;
  const Task<> clock = create_task(tick(&ticks));
  // Lets it begin.
  co_await sleep(0s);
  co_await computing;
  clock.cancel();
  std::printf("  the clock %s\n", ticks == 0 ? "stood still" : "went on");
}

static Coroutine<> compute() {
  co_await beside_a_clock("in the loop", in_the_loop());
  co_await beside_a_clock("in the pool", in_the_pool());
}

static const Demo<Coroutine<>()> demo{
    "computing", "two seconds of work, in the loop and in a thread", compute};
