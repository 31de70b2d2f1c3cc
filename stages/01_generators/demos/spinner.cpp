// A spinner, turned by the slow function itself.
#include <chrono>
#include <cstdio>
#include <thread>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Generator<void> spin() {
  while (true) {
    for (const char c : {'|', '/', '-', '\\'}) {
      std::printf("%c\b", c);
      std::fflush(stdout);
      co_yield None;
    }
  }
}

/// Counts to its answer. Between two numbers it has to turn the spinner, which
/// cannot turn itself.
static int slow_function(Generator<void>& spinner) {
  int answer = 0;
  while (answer < 42) {
    if (answer % 4 == 0) {
      spinner.next();
    }
    std::this_thread::sleep_for(25ms);
    ++answer;
  }
  return answer;
}

static void show_spinner() {
  auto spinner = spin();
  const int answer = slow_function(spinner);
  // Cancelling it takes nothing: it is not running now.
  spinner.close();
  std::printf("Answer: %d\n", answer);
}

static const Demo<void()> demo{
    "spinner", "a slow function that turns it by hand", show_spinner};
