#include <chrono>
#include <cstdio>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void say(const char* text) {
  std::printf("%s\n", text);
  std::fflush(stdout);
}

static Coroutine<int> compute(Seconds delay) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say("  task: cancelled");
    throw;
  }
  co_return 42;
}

/// Runs in a thread of the pool, and may block.
static void ask(EventLoop* loop) {
  const auto soon = run_coroutine_threadsafe(compute(100ms), *loop);
  std::printf("thread: the task returns %d\n", soon.result());
  const auto late = run_coroutine_threadsafe(compute(1h), *loop);
  try {
    late.result(100ms);
  } catch (const TimeoutError&) {
    say("thread: no result after 0.1 s, so it cancels");
    late.cancel();
  }
}

static Coroutine<> be_asked() {
  co_await to_thread(ask, &get_running_loop());
  // The cancelled task has its turn.
  co_await sleep(100ms);
}

static const Demo<Coroutine<>()> demo{
    "from_a_thread", "a thread starts tasks and waits for them", be_asked};
