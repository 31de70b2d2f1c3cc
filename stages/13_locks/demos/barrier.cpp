#include <cmath>
#include <cstdio>
#include <string>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

// Rounded down: a little late does not show.
static void say(Seconds start, const std::string& name, const char* what) {
  const Seconds passed = get_running_loop().time() - start;
  std::printf("  %.1f s  %s %s\n", std::floor(passed.count() * 10) / 10,
              name.c_str(), what);
}

/// Reads two chapters, each at its own pace; they begin each together.
static Coroutine<> reader(
    Barrier* barrier,
    std::string name,
    Seconds pace,
    Seconds start
) {
  for (const char* chapter : {"chapter 1", "chapter 2"}) {
    co_await barrier->wait();
    say(start, name, chapter);
    co_await sleep(pace);
  }
  co_await barrier->wait();
  say(start, name, "talks about it");
}

static Coroutine<> barrier() {
  Barrier all(3);
  const Seconds start = get_running_loop().time();
  co_await gather(reader(&all, "Ada", 100ms, start),
                  reader(&all, "Bob", 200ms, start),
                  reader(&all, "Cy", 300ms, start));
}

static const Demo<Coroutine<>()> demo{
    "barrier", "three readers, who begin each chapter together", barrier};
