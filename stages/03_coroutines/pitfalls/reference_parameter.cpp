// A coroutine keeps its parameters in its frame, but a reference there is still
// a reference: create_task() returns at once, the coroutine begins in the next
// round, and by then the caller's variable is gone. Without a sanitizer this
// program may well print the right answer, which is worse.
//
// Cure: parameters by value, `Coroutine<> greet(std::string name)`. What is
// moved in lives as long as the coroutine.
//
// Flags: -fsanitize=address -O0
// Exit: nonzero
// Stderr: AddressSanitizer
// Prints:
//   started
#include <cstdio>
#include <string>

#include "asyncio.hpp"

using namespace asyncio;

static Coroutine<> greet(const std::string& name) {
  std::fprintf(stderr, "hello, %s\n", name.c_str());
  co_return;
}

static void start(EventLoop& loop, int number) {
  const auto name =
      std::make_unique<std::string>("guest number " + std::to_string(number));
  create_task(greet(*name), loop);
}

int main() {
  EventLoop loop;
  start(loop, 1);
  std::printf("started\n");
  std::fflush(stdout);
  loop.run_until_idle();
}
