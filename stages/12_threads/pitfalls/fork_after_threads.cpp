// fork() copies the memory of the process, but only the thread that calls it.
// In the child the pool believes that it has a thread, which is not there: the
// call is never made. A mutex that another thread held at that moment stays
// locked in the child for ever: malloc() has one, too.
//
// Cure: fork first, start threads afterwards; or call exec at once in the
// child, which is what posix_spawn() does.
//
// Prints:
//   parent: 42
//   child: the call is never made
//   forked before there was a thread: 42
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;
using concurrent::ThreadPoolExecutor;

static int answer() { return 42; }

static void ask(const char* who, ThreadPoolExecutor& executor) {
  try {
    std::printf("%s: %d\n", who, executor.submit(answer).result(500ms));
  } catch (const TimeoutError&) {
    std::printf("%s: the call is never made\n", who);
  }
  std::fflush(stdout);
}

/// Asks in a child, whose end is waited for.
static void ask_in_child(const char* who, ThreadPoolExecutor& executor) {
  const pid_t child = ::fork();
  if (child == 0) {
    ask(who, executor);
    // No destructors: the pool's would wait for its thread.
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
}

int main() {
  ThreadPoolExecutor executor(1);
  ask("parent", executor);
  // Until the pool's thread is idle and holds no mutex: mere luck elsewhere.
  std::this_thread::sleep_for(100ms);
  ask_in_child("child", executor);

  ThreadPoolExecutor fresh(1);
  ask_in_child("forked before there was a thread", fresh);
}
