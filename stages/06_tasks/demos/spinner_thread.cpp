// The same spinner with a thread, for contrast.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Turns until it is told to stop: a thread can be asked, never cancelled.
static void spin(const std::atomic<bool>* go) {
  for (int frame = 0; *go; ++frame) {
    std::printf("%c\b", "|/-\\"[frame % 4]);
    std::fflush(stdout);
    std::this_thread::sleep_for(100ms);
  }
}

/// Blocks its thread, and may.
static int slow_function() {
  std::this_thread::sleep_for(3s);
  return 42;
}

static Coroutine<> show_spinner_thread() {
  std::atomic<bool> go = true;
  std::printf("spinner object: <Thread(spin, started)>\n");
  std::thread spinner(spin, &go);
  const int answer = slow_function();
  go = false;
  // It finishes its sleep first, and we wait for that.
  spinner.join();
  std::printf("Answer: %d\n", answer);
  co_return;
}

static const Demo<Coroutine<>()> demo{
    "spinner_thread", "the same with a thread", show_spinner_thread};
