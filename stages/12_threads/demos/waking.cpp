#include <chrono>
#include <cstdio>
#include <thread>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> tick() {
  while (true) {
    co_await sleep(100ms);
    std::printf("tick\n");
    std::fflush(stdout);
  }
}

static int slow_function() {
  std::this_thread::sleep_for(250ms);
  return 42;
}

static Coroutine<> wait_for_a_thread() {
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
  thread.join();
  clock.cancel();
  std::printf("Answer: %d\n", answer);
}

static const Demo<Coroutine<>()> demo{
    "waking", "a thread wakes the loop", wait_for_a_thread};
