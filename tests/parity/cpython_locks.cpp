// The situations of CPython's own test_locks.py, round by round.
//
// Stage: 13
#include "locks.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

using Numbers = std::vector<int>;

std::string text(const Numbers& numbers) {
  std::string all = "[";
  for (const int number : numbers) {
    all += (all.size() > 1 ? ", " : "") + std::to_string(number);
  }
  return all + "]";
}

Coroutine<bool> takes(Acquirable* lock, int number, Numbers* result) {
  co_await lock->acquire();
  result->push_back(number);
  co_return true;
}

Coroutine<> rounds(int count) {
  for (int i = 0; i < count; ++i) {
    co_await sleep(0s);
  }
}

std::vector<Task<bool>> start(
    Acquirable* lock,
    const Numbers& numbers,
    Numbers* result
) {
  std::vector<Task<bool>> tasks;
  for (const int i : numbers) {
    tasks.push_back(create_task(takes(lock, i, result)));
  }
  return tasks;
}

template <class T>
void told(const std::vector<Task<T>>& tasks) {
  for (const auto& task : tasks) {
    if (!task.done()) {
      say("pending");
    } else if (task.cancelled()) {
      say("cancelled");
    } else {
      say(task.exception() ? "raised" : "done");
    }
  }
}

Coroutine<> cancelled_as_it_waits(Coroutine<bool> waiting) {
  const auto task = create_task(std::move(waiting));
  get_running_loop().call_soon([task] { task.cancel(); });
  try {
    co_await task;
  } catch (const CancelledError&) {
    say("cancelled");
  }
}

}  // namespace

PARITY(lock_acquire) {
  Lock lock;
  Numbers result;
  const bool first = co_await lock.acquire();
  say(first);
  auto tasks = start(&lock, {1, 2}, &result);
  co_await rounds(1);
  say(text(result));
  lock.release();
  co_await rounds(1);
  say(text(result));
  co_await rounds(1);
  say(text(result));
  tasks.push_back(start(&lock, {3}, &result)[0]);
  for (int i = 0; i < 2; ++i) {
    lock.release();
    co_await rounds(1);
    say(text(result));
  }
  told(tasks);
}

PARITY(acquire_cancel) {
  Lock lock;
  co_await lock.acquire();
  co_await cancelled_as_it_waits(lock.acquire());
  Semaphore semaphore;
  co_await semaphore.acquire();
  co_await cancelled_as_it_waits(semaphore.acquire());
  Event event;
  co_await cancelled_as_it_waits(event.wait());
  lock.release();
  semaphore.release();
  say(lock.locked(), semaphore.locked());
}

PARITY(lock_cancel_release_race) {
  Lock lock;
  Numbers result;
  co_await lock.acquire();
  const auto tasks = start(&lock, {1, 2, 3}, &result);
  co_await rounds(1);
  get_running_loop().call_soon([&] {
    tasks[0].cancel();
    lock.release();
  });
  try {
    co_await tasks[0];
  } catch (const CancelledError&) {
    say("cancelled", text(result));
  }
  told(tasks);
  tasks[2].cancel();
  co_await rounds(1);
  told(tasks);
}

namespace {

Coroutine<> is_told(Event* event, int number, Numbers* result) {
  co_await event->wait();
  result->push_back(number);
}

}  // namespace

PARITY(event_wait) {
  Event event;
  Numbers result;
  std::vector<Task<>> tasks;
  tasks.push_back(create_task(is_told(&event, 1, &result)));
  tasks.push_back(create_task(is_told(&event, 2, &result)));
  co_await rounds(1);
  say(text(result));
  tasks.push_back(create_task(is_told(&event, 3, &result)));
  event.set();
  co_await rounds(1);
  say(text(result));
  told(tasks);
}

namespace {

Coroutine<bool> waits(Condition* condition, int number, Numbers* result) {
  co_await condition->acquire();
  co_await condition->wait();
  result->push_back(number);
  co_return true;
}

}  // namespace

PARITY(condition_wait) {
  Condition condition;
  Numbers result;
  std::vector<Task<bool>> tasks;
  for (const int i : {1, 2, 3}) {
    tasks.push_back(create_task(waits(&condition, i, &result)));
  }
  const auto look = [&] { say(text(result), condition.locked()); };
  co_await rounds(1);
  look();
  co_await condition.acquire();
  condition.notify();
  co_await rounds(1);
  look();
  condition.release();
  co_await rounds(1);
  look();
  condition.notify(2);
  co_await rounds(1);
  look();
  for (int i = 0; i < 2; ++i) {
    condition.release();
    co_await rounds(1);
    look();
  }
  told(tasks);
}

PARITY(condition_wait_cancel_contested) {
  Condition condition;
  co_await condition.acquire();
  const auto task = create_task(condition.wait());
  co_await rounds(1);
  say(condition.locked());
  co_await condition.acquire();
  condition.notify();
  EventLoop& loop = get_running_loop();
  loop.call_soon([task] { task.cancel(); });
  loop.call_soon([&condition] { condition.release(); });
  try {
    co_await task;
    say("not cancelled");
  } catch (const CancelledError&) {
    say("cancelled");
  }
  say(condition.locked());
}

PARITY(semaphore_acquire) {
  Semaphore semaphore(3);
  Numbers result;
  co_await semaphore.acquire();
  co_await semaphore.acquire();
  say(semaphore.locked());
  auto tasks = start(&semaphore, {1, 2, 3}, &result);
  co_await rounds(1);
  say(text(result), semaphore.locked());
  tasks.push_back(start(&semaphore, {4}, &result)[0]);
  semaphore.release();
  semaphore.release();
  co_await rounds(1);
  say(text(result), semaphore.locked());
  told(tasks);
  semaphore.release();
  co_await wait(tasks);
  say(text(result));
}

PARITY(semaphore_cancel_before_awoken) {
  Semaphore semaphore(0);
  Numbers result;
  const auto tasks = start(&semaphore, {1, 2, 3, 4}, &result);
  co_await rounds(1);
  tasks[0].cancel();
  tasks[1].cancel();
  semaphore.release();
  co_await rounds(2);
  told(tasks);
  tasks[2].cancel();
  tasks[3].cancel();
  co_await rounds(1);
  told(tasks);
}

namespace {

constexpr int FIVE = 5;

void state(const Barrier& barrier) {
  say("state", barrier.n_waiting(), barrier.broken());
}

/// A number of the barrier, or -1 after saying what it raises.
Coroutine<int> passes(Barrier* barrier, int number) {
  try {
    const int index = co_await barrier->wait();
    say(number, index);
    co_return index;
  } catch (const BrokenBarrierError&) {
    say(number, name(std::current_exception()));
  }
  co_return -1;
}

}  // namespace

PARITY(barrier_reset_when_half_draining) {
  Barrier barrier(FIVE);
  int drained = 0;
  const auto comes = [&](int number) -> Coroutine<> {
    const int index = co_await passes(&barrier, number);
    if (index >= 0 && ++drained == 3) {
      co_await barrier.reset();
    }
  };
  co_await gather(comes(0), comes(1), comes(2), comes(3), comes(4));
  state(barrier);
}

PARITY(barrier_reset_half_draining_half_blocking) {
  Barrier barrier(FIVE);
  int drained = 0;
  const auto comes = [&](int number) -> Coroutine<> {
    const int index = co_await passes(&barrier, number);
    if (index >= 0 && ++drained > FIVE / 2) {
      co_await barrier.reset();
    }
    co_await passes(&barrier, number);
  };
  co_await gather(comes(0), comes(1), comes(2), comes(3), comes(4));
  state(barrier);
}

PARITY(barrier_abort_half_draining_half_blocking) {
  Barrier barrier(FIVE);
  int drained = 0;
  const auto comes = [&](int number) -> Coroutine<> {
    const int index = co_await passes(&barrier, number);
    if (index < 0) {
      co_return;
    }
    if (++drained > FIVE / 2) {
      co_await barrier.abort();
      say(number, "aborted");
    } else {
      co_await passes(&barrier, number);
    }
  };
  co_await gather(comes(0), comes(1), comes(2), comes(3), comes(4));
  state(barrier);
}

PARITY(queue_many_readers_and_none_is_dropped) {
  Queue<int> queue;
  std::vector<Task<int>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(create_task(queue.get()));
  }
  co_await rounds(1);
  queue.put_nowait(1);
  queue.put_nowait(2);
  tasks[0].cancel();
  co_await wait(tasks);
  told(tasks);
  say(tasks[1].result(), tasks[2].result());
}
