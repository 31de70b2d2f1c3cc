#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void say(const char* text) {
  std::printf("%s\n", text);
  std::fflush(stdout);
}

static Coroutine<> greet_every_two_seconds() {
  while (true) {
    say("Hello World");
    co_await sleep(1s);
    say("How are you?");
    co_await sleep(1s);
  }
}

static Coroutine<> host() {
  const Task<> greeter = create_task(greet_every_two_seconds());
  co_await sleep(3500ms);
  greeter.cancel();
}

static const Demo<Coroutine<>()> demo{
    "greet_every_two_seconds", "a loop without an end, ended in its midst",
    host};
