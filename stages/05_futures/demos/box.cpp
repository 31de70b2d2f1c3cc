#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

static Coroutine<> box() {
  FutureState<int> number(get_running_loop());
  number.add_done_callback([&number](EventLoop& loop) {
    std::printf("the future asks the loop\n");
    loop.call_soon([&number] {
      std::printf("the loop calls: %d\n", number.result());
    });
  });
  number.set_result(42);
  std::printf("set_result has returned\n");
  co_await sleep(Seconds(0));
}

static const Demo<Coroutine<>()> demo{
    "box", "a future is filled, and the loop calls its callback", box};
