#include <cstdint>
#include <optional>
#include <stdexcept>

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

// Whether all from 0 to n - 1 came.
static void check_sum(long sum, long n) {
  if (sum != n * (n - 1) / 2) {
    throw std::logic_error("the results do not add up");
  }
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

struct Meeting {
  std::optional<Future<long>> future;
  long sum = 0;
};

static Coroutine<> consume(Meeting* meeting, long times) {
  for (long i = 0; i < times; ++i) {
    meeting->future.emplace();
    meeting->sum += co_await *meeting->future;
  }
}

static Coroutine<> produce(Meeting* meeting, long times) {
  for (long i = 0; i < times; ++i) {
    meeting->future->set_result(i);
    co_await sleep(Seconds(0));
  }
}

static void bench_future(Stopwatch& watch) {
  EventLoop loop;
  watch.start();
  Meeting meeting;
  create_task(consume(&meeting, watch.n), loop);
  create_task(produce(&meeting, watch.n), loop);
  loop.run_until_idle();
  watch.stop(watch.n);
  check_sum(meeting.sum, watch.n);
}

static const Bench switching{
    "switch", "tasks that yield N times in all", bench_switch};
static const Bench futures{
    "future", "awaits N futures that another task sets", bench_future};
static const Bench timers{
    "timers", "N tasks that each sleep 1 to 9 ms", bench_timers};
