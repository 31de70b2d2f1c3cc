#include <csignal>
#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> press_ctrl_c_for_me() {
  co_await sleep(1s);
  std::raise(SIGINT);
  co_await sleep(1s);
  std::raise(SIGTERM);
}

static Coroutine<> listen() {
  EventLoop& loop = get_running_loop();
  const Future<> enough;
  // In the loop, not in the signal handler: everything is allowed here.
  loop.add_signal_handler(SIGINT, [] {
    std::printf("Ctrl-C: no, I go on\n");
    std::fflush(stdout);
  });
  loop.add_signal_handler(SIGTERM, [enough] {
    if (!enough.done()) {
      enough.set_result();
    }
  });
  const Task<> presses = create_task(press_ctrl_c_for_me());
  std::printf("press Ctrl-C, or wait\n");
  std::fflush(stdout);
  co_await enough;
  std::printf("SIGTERM: well, then\n");
}

static const Demo<Coroutine<>()> demo{
    "signals", "handlers for Ctrl-C and SIGTERM, in the loop", listen};
