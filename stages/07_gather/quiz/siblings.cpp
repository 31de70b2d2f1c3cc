// Three coroutines are gathered, and the first to end fails. Are the two others
// cancelled?
//
// Explanation:
// gather() passes the first exception on as soon as it is there, and leaves the
// others alone: they go on working while the parent believes that all is over.
// If they must end, keep the tasks and cancel them, or use a TaskGroup (chapter
// 08).
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> worker(const char* name, Seconds delay) {
  co_await sleep(delay);
  if (delay == 1s) {
    throw std::runtime_error("failed");
  }
  std::printf("%s is done\n", name);
}

static Coroutine<> parent() {
  try {
    co_await gather(worker("a", 2s), worker("b", 1s), worker("c", 4s));
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
  }
  co_await sleep(2s);
  std::printf("parent ends\n");
}

int main() {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(parent());
}
