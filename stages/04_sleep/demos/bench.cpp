#include <cstdint>

#include "asyncio.hpp"
#include "common/bench.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

static Coroutine<> yield_often(long times) {
  for (long i = 0; i < times; ++i) {
    co_await sleep(Seconds(0));
  }
}

static void bench_switch(Stopwatch& watch) {
  EventLoop loop;
  watch.start();
  for (long task = 0; task < watch.tasks; ++task) {
    const bool one_more = task < watch.n % watch.tasks;
    create_task(yield_often(watch.n / watch.tasks + one_more), loop);
  }
  loop.run_until_idle();
  watch.stop(watch.n);
}

static Coroutine<> sleep_once(Seconds delay) { co_await sleep(delay); }

static Coroutine<> burn(Stopwatch* watch) {
  watch->memory_now();
  watch->burn_12ms();
  co_return;
}

static void bench_timers(Stopwatch& watch) {
  EventLoop loop;
  std::uint32_t random = 1;
  watch.start();
  for (long i = 0; i < watch.n; ++i) {
    const std::chrono::microseconds delay(delay_us(&random));
    create_task(sleep_once(delay), loop);
  }
  create_task(burn(&watch), loop);
  loop.run_until_idle();
  watch.stop(watch.n);
}

static const Bench switching{
    "switch", "tasks that yield N times in all", bench_switch};
static const Bench timers{
    "timers", "N tasks that each sleep 1 to 9 ms", bench_timers};
