// One task releases the lock and acquires it again at once, without anything in
// between. Another task has been waiting for it. Who has the lock next?
//
// Explanation:
// The task that waits. release() leaves the lock free and wakes the first task
// in line, which goes on in the next round. Until then that task is still in
// line, so acquire() does not take the lock although it is free: its caller
// stands behind.
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> greedy(Lock* lock) {
  for (int i = 0; i < 2; ++i) {
    co_await lock->acquire();
    std::printf("greedy\n");
    co_await sleep(1s);
    lock->release();
    std::printf(lock->locked() ? "held\n" : "free\n");
  }
}

static Coroutine<> patient(Lock* lock) {
  co_await lock->acquire();
  std::printf("patient\n");
  lock->release();
}

static Coroutine<> both() {
  Lock lock;
  co_await gather(greedy(&lock), patient(&lock));
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
