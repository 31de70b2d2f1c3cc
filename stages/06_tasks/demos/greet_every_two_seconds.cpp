#include <cstdio>

#include "asyncio.hpp"
#include "common/programs.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> greet_every_two_seconds() {
  while (true) {
    std::printf("Hello World\n");
    std::fflush(stdout);
    co_await sleep(2s);
  }
}

static Coroutine<> host() {
  const Task<> greeter = create_task(greet_every_two_seconds());
  co_await sleep(5s);
  greeter.cancel();
}

static const Demo<Coroutine<>()> demo{
    "greet_every_two_seconds", "a loop without an end, ended after 5 s", host};
