#include <cstdio>
#include <memory>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

// Nobody can end a coroutine from outside yet: it has to look at a flag.
static Coroutine<> spin(std::shared_ptr<bool> stop) {
  for (int frame = 0; !*stop; ++frame) {
    std::printf("%c\b", "|/-\\"[frame % 4]);
    std::fflush(stdout);
    co_await sleep(100ms);
  }
}

static Coroutine<int> slow_function() {
  co_await sleep(3s);
  co_return 42;
}

static Coroutine<> supervisor() {
  const auto stop = std::make_shared<bool>(false);
  create_task(spin(stop));
  const int answer = co_await slow_function();
  *stop = true;
  std::printf("Answer: %d\n", answer);
}

static const Demo<Coroutine<>()> demo{
    "spinner", "something moves while a slow function takes 3 s", supervisor};
