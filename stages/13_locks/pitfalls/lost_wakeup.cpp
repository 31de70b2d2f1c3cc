// In a lock of one's own, release() sets the future of the first waiting task.
// That task is cancelled in the same round, after it was woken and before it
// goes on. It leaves without waking the next: the lock is free, and all others
// wait for ever. asyncio's own locks, semaphores and queues had this mistake
// once.
//
// Cure: a task that was woken and cannot go on wakes the next. Lock does that.
//
// Prints:
//   naive: free, and b waits for it
//   asyncio: b has it
#include <cstdio>
#include <deque>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

class NaiveLock {
 public:
  Coroutine<bool> acquire() {
    while (locked_) {
      const Future<> turn;
      waiters_.push_back(turn);
      co_await turn;
    }
    locked_ = true;
    co_return true;
  }

  void release() {
    locked_ = false;
    if (!waiters_.empty()) {
      const Future<> first = waiters_.front();
      waiters_.pop_front();
      if (!first.done()) {
        first.set_result();
      }
    }
  }

  bool locked() const { return locked_; }

 private:
  bool locked_ = false;
  std::deque<Future<>> waiters_;
};

template <class ALock>
static Coroutine<> cancels_as_it_wakes(const char* title) {
  ALock lock;
  co_await lock.acquire();
  const auto a = create_task(lock.acquire());
  const auto b = create_task(lock.acquire());
  co_await sleep(1s);
  lock.release();
  a.cancel();
  co_await sleep(1h);
  std::printf("%s: %s\n", title,
              b.done() ? "b has it" : "free, and b waits for it");
  b.cancel();
  co_await wait(a, b);
}

static Coroutine<> both() {
  co_await cancels_as_it_wakes<NaiveLock>("naive");
  co_await cancels_as_it_wakes<Lock>("asyncio");
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
