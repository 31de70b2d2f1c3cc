#include <cstdint>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

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

static Coroutine<long> give(long value) { co_return value; }

static Coroutine<> spawn_and_await(Stopwatch* watch) {
  watch->start();
  long sum = 0;
  for (long i = 0; i < watch->n; ++i) {
    sum += co_await create_task(give(i));
  }
  watch->stop(watch->n);
  check_sum(sum, watch->n);
}

// Not run(): a loop that listens for Ctrl-C asks the kernel in every round.
static void bench_spawn(Stopwatch& watch) {
  EventLoop loop;
  loop.run_until_complete(spawn_and_await(&watch));
}

static Coroutine<> keep_alive(Stopwatch* watch) {
  watch->start();
  std::vector<Task<long>> tasks;
  tasks.reserve(static_cast<std::size_t>(watch->n));
  for (long i = 0; i < watch->n; ++i) {
    tasks.push_back(create_task(give(i)));
  }
  watch->memory_now();
  long sum = 0;
  for (const auto& task : tasks) {
    sum += co_await task;
  }
  watch->stop(watch->n);
  check_sum(sum, watch->n);
}

static void post_often(EventLoop* loop, std::binary_semaphore* answer, long n) {
  for (long i = 0; i < n; ++i) {
    loop->call_soon_threadsafe([answer] { answer->release(); });
    answer->acquire();
  }
  loop->call_soon_threadsafe([loop] { loop->stop(); });
}

static void bench_threadsafe(Stopwatch& watch) {
  EventLoop loop;
  std::binary_semaphore answer(0);
  watch.start();
  std::thread thread(post_often, &loop, &answer, watch.n);
  loop.run_forever();
  watch.stop(watch.n);
  thread.join();
}

static Coroutine<> submit_and_await(Stopwatch* watch) {
  watch->start();
  long sum = 0;
  for (long i = 0; i < watch->n; ++i) {
    const Future<long> future = run_in_executor(None, [i] { return i; });
    sum += co_await future;
  }
  watch->stop(watch->n);
  check_sum(sum, watch->n);
}

static void bench_executor(Stopwatch& watch) { run(submit_and_await(&watch)); }

static void bench_alive(Stopwatch& watch) {
  EventLoop loop;
  loop.run_until_complete(keep_alive(&watch));
}

static Coroutine<> nothing() { co_return; }

static void bench_empty(Stopwatch& watch) {
  watch.start();
  run(nothing());
  watch.stop(1);
}

static const Bench alive{
    "alive", "N tasks exist at the same time", bench_alive};
static const Bench empty{
    "empty", "runs an empty coroutine and exits", bench_empty};
static const Bench executor{
    "executor", "awaits N calls that a thread makes", bench_executor};
static const Bench spawning{
    "spawn", "starts a task and awaits its result, N times", bench_spawn};
static const Bench switching{
    "switch", "tasks that yield N times in all", bench_switch};
static const Bench futures{
    "future", "awaits N futures that another task sets", bench_future};
static const Bench threadsafe{
    "threadsafe", "a thread calls into the loop and waits, N times",
    bench_threadsafe};
static const Bench timers{
    "timers", "N tasks that each sleep 1 to 9 ms", bench_timers};
