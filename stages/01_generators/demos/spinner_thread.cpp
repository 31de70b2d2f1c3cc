// The same spinner with a thread, for contrast.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "common/command_line.hpp"

using namespace std::chrono_literals;

/// Turns until it is told to stop: a thread can be asked, never cancelled.
static void spin(const std::atomic<bool>* go) {
  while (true) {
    for (const char c : {'|', '/', '-', '\\'}) {
      if (!*go) {
        return;
      }
      std::printf("%c\b", c);
      std::fflush(stdout);
      std::this_thread::sleep_for(100ms);
    }
  }
}

/// Knows of no spinner. That is what a thread is good for.
static int slow_function() {
  std::this_thread::sleep_for(1s);
  return 42;
}

static void show_spinner_thread() {
  std::atomic<bool> go = true;
  std::printf("spinner object: <Thread(spin, started)>\n");
  std::thread spinner(spin, &go);
  const int answer = slow_function();
  go = false;
  // It finishes its sleep first, and we wait for that.
  spinner.join();
  std::printf("Answer: %d\n", answer);
}

static const Demo<void()> demo{
    "spinner_thread", "the same with a thread", show_spinner_thread};
