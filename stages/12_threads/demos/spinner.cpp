#include <chrono>
#include <cstdio>
#include <thread>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> spin() {
  for (int frame = 0; true; ++frame) {
    std::printf("%c\b", "|/-\\"[frame % 4]);
    std::fflush(stdout);
    co_await sleep(100ms);
  }
}

/// Blocks its thread, and may.
static int slow_function() {
  std::this_thread::sleep_for(3s);
  return 42;
}

static Coroutine<> supervisor() {
  const Task<> spinner = create_task(spin());
  std::printf("spinner object: %s\n", to_string(spinner).c_str());
  const int answer = co_await to_thread(slow_function);
  spinner.cancel();
  std::printf("Answer: %d\n", answer);
}

static const Demo<Coroutine<>()> demo{
    "spinner", "something moves while a slow function blocks", supervisor};
