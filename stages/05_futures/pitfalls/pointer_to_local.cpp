// A coroutine asks two servers and goes on with the first answer. The callbacks
// hold the address of a future that is a local variable. When the second answer
// arrives, that coroutine has ended, and its frame is gone with all its local
// variables.
//
// Cure: a callback keeps a copy of a Future, which shares the same state and
// keeps it alive: `[answer](int number) { ... }` with a Future<int> answer.
//
// Flags: -fsanitize=address -O0
// Exit: nonzero
// Stderr: AddressSanitizer: heap-use-after-free
// Prints:
//   near answers
//   got 1
//   far answers
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void ask(const char* who, Seconds delay, FutureState<int>* answer) {
  get_running_loop().call_later(delay, [who, answer] {
    std::printf("%s answers\n", who);
    std::fflush(stdout);
    if (!answer->done()) {
      answer->set_result(1);
    }
  });
}

static Coroutine<int> first_answer() {
  FutureState<int> answer(get_running_loop());
  ask("near", 100ms, &answer);
  ask("far", 200ms, &answer);
  co_return co_await answer;
}

static Coroutine<> client() {
  std::printf("got %d\n", co_await first_answer());
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  create_task(client(), loop);
  loop.run_until_idle();
}
