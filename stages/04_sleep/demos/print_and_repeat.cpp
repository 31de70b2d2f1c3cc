#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void print_and_repeat(EventLoop& loop, int times) {
  std::printf("Hello World\n");
  if (times > 1) {
    loop.call_later(2s, [&loop, times] { print_and_repeat(loop, times - 1); });
  }
}

static Coroutine<> start() {
  EventLoop& loop = get_running_loop();
  loop.call_soon([&loop] { print_and_repeat(loop, 3); });
  co_return;
}

static const Demo<Coroutine<>()> demo{
    "print_and_repeat", "call_later: a callback every two seconds", start};
