// g++ 12 miscompiles a co_await that is the condition of an if, a while, a do
// or a switch, without a warning and at every -O, if the coroutine declares no
// variable and has no try block: it then dies of SIGILL or SIGSEGV, or hangs.
// So it hits the short ones. With clang it is right.
//
// Cure: give the value a name, as loops over generators do anyway.
//
// Prints:
//   in the condition: ...
//   named: counts to 3
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static AsyncGenerator<int> ones() {
  for (int i = 0; i < 3; ++i) {
    co_await sleep(0s);
    co_yield 1;
  }
}

static Coroutine<> in_the_condition(AsyncGenerator<int> source, int* count) {
  while (co_await source.anext()) {
    ++*count;
  }
}

static Coroutine<> named(AsyncGenerator<int> source, int* count) {
  while (const auto one = co_await source.anext()) {
    *count += *one;
  }
}

/// In a process of its own, which may die of it.
static const char* how_it_ends() {
  const pid_t child = fork();
  if (child == 0) {
    alarm(5);
    int count = 0;
    run(in_the_condition(ones(), &count));
    _exit(count == 3 ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
#if !defined(__GNUC__) || defined(__clang__)
    return "dies, and this compiler ought to know better";
#else
    return strsignal(WTERMSIG(status));
#endif
  }
  return status == 0 ? "counts to 3" : "counts wrong";
}

int main() {
  std::printf("in the condition: %s\n", how_it_ends());
  int count = 0;
  run(named(ones(), &count));
  std::printf("named: counts to %d\n", count);
}
