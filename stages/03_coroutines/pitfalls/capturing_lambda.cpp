// The captures of a lambda live in the lambda, not in the frame of the
// coroutine that it makes: the frame has only a pointer to the lambda. A lambda
// that is called on the spot is gone at the semicolon; the coroutine begins
// later.
//
// Cure: capture nothing, and pass as parameters what the coroutine needs:
// `[](std::string who) -> Coroutine<> { ... }(name)`.
//
// Flags: -fsanitize=address -O0
// Exit: nonzero
// Stderr: AddressSanitizer
// Prints:
//   cured: hello, world, this is a parameter
#include <cstdio>
#include <string>

#include "asyncio.hpp"

using namespace asyncio;

static void cured(EventLoop& loop, const std::string& name) {
  create_task(
      [](std::string who) -> Coroutine<> {
        std::printf("cured: hello, %s\n", who.c_str());
        co_return;
      }(name),
      loop);
}

static void wrong(EventLoop& loop, const std::string& name) {
  // Made on the heap, so that every compiler's sanitizer sees its end.
  const auto greet = [who = name]() -> Coroutine<> {
    std::fprintf(stderr, "wrong: hello, %s\n", who.c_str());
    co_return;
  };
  const auto lambda = std::make_unique<decltype(greet)>(greet);
  create_task((*lambda)(), loop);
}

int main() {
  EventLoop loop;
  cured(loop, "world, this is a parameter");
  loop.run_until_idle();
  std::fflush(stdout);
  wrong(loop, "world, this is a capture");
  loop.run_until_idle();
}
