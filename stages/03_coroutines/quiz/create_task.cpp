// A coroutine starts another with create_task and goes on. When does the other
// one begin? And what does a call without create_task or co_await do?
//
// Explanation:
// create_task only queues: the new task begins in the loop's next round, when
// its parent has returned control to the loop. Calling a coroutine function
// makes a frame and runs none of it; the frame of "lost" is destroyed without
// ever having begun.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

static Coroutine<> say(const char* text) {
  std::printf("%s\n", text);
  co_return;
}

static Coroutine<> parent() {
  create_task(say("task"));
  { const auto lost = say("lost"); }
  std::printf("made\n");
  co_await say("awaited");
  std::printf("parent ends\n");
}

int main() {
  EventLoop loop;
  create_task(parent(), loop);
  loop.run_until_idle();
}
