#include <chrono>
#include <cstdio>
#include <thread>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void say(const char* what) {
  static const Seconds start = get_running_loop().time();
  const Seconds passed = get_running_loop().time() - start;
  std::printf("%.2f s  %s\n", passed.count(), what);
  std::fflush(stdout);
}

static Coroutine<> tick() {
  while (true) {
    co_await sleep(100ms);
    say("tick");
  }
}

static int slow_function() {
  std::this_thread::sleep_for(250ms);
  return 42;
}

static Coroutine<> wait_for_a_thread() {
  say("starts a thread");
  EventLoop& loop = get_running_loop();
  const Task<> clock = create_task(tick());
  const Future<int> future;
  std::thread thread([&loop, &future] {
    const int answer = slow_function();
    loop.call_soon_threadsafe([&future, answer] {
      future.set_result(answer);
    });
  });
  const int answer = co_await future;
  say(answer == 42 ? "the answer is 42" : "the answer is wrong");
  thread.join();
  clock.cancel();
}

static const Demo<Coroutine<>()> demo{
    "waking", "a thread wakes the loop", wait_for_a_thread};
