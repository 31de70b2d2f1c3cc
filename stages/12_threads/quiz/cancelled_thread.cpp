// A task awaits a call that blocks a thread for 400 ms. It is cancelled after
// 100 ms. What is printed in which order, and when does run() return?
//
// Explanation:
// The task is cancelled at once, since its co_await waits for a future of the
// loop. That future asks the call to be cancelled as well, but the call has
// begun, and no thread can be stopped from outside. So the thread goes on, and
// its result is dropped. run() waits for the pool's threads before it returns:
// they may still use what the program is about to destroy.
#include <chrono>
#include <cstdio>
#include <thread>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static const auto start = std::chrono::steady_clock::now();

static void say(const char* what) {
  const Seconds passed = std::chrono::steady_clock::now() - start;
  std::printf("%.1f s  %s\n", passed.count(), what);
}

static void slow() {
  std::this_thread::sleep_for(400ms);
  say("the call ends");
}

static Coroutine<> waits() {
  try {
    co_await to_thread(slow);
  } catch (const CancelledError&) {
    say("the task is cancelled");
    throw;
  }
}

static Coroutine<> parent() {
  const Task<> task = create_task(waits());
  co_await sleep(100ms);
  task.cancel();
}

int main() {
  run(parent());
  say("run() returns");
}
