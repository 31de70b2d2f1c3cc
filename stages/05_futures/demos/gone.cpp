#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> reader(FutureState<int>* number) {
  try {
    const int value = co_await *number;
    std::printf("reader: there is %d\n", value);
  } catch (const std::logic_error& error) {
    std::printf("reader: %s\n", error.what());
  }
}

static Coroutine<> owner() {
  FutureState<int> number(get_running_loop());
  create_task(reader(&number));
  co_await sleep(100ms);
  std::printf("owner: I end, and the future with me\n");
}

static Coroutine<> gone() {
  co_await owner();
  co_await sleep(100ms);
  std::printf("the others go on\n");
}

static const Demo<Coroutine<>()> demo{
    "gone", "a future is destroyed while a coroutine waits for it", gone};
