// Lock: who has it, who comes next, and who was cancelled meanwhile.
//
// Stage: 13
#include "locks.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<> holds(Lock* lock, std::string label, Seconds delay) {
  try {
    co_await lock->acquire();
  } catch (const CancelledError&) {
    say(now(), label, "cancelled");
    throw;
  }
  say(now(), label, "has it");
  const Finally release([&] {
    say(now(), label, "lets go");
    lock->release();
  });
  co_await sleep(delay);
}

std::vector<Task<>> start(Lock* lock, std::vector<std::string> labels) {
  std::vector<Task<>> tasks;
  for (const std::string& label : labels) {
    tasks.push_back(create_task(holds(lock, label, 1s)));
  }
  return tasks;
}

Coroutine<> end(std::vector<Task<>> tasks) {
  for (const Task<>& task : tasks) {
    try {
      co_await task;
    } catch (const CancelledError&) {
      say(now(), name(std::current_exception()));
    }
  }
}

}  // namespace

PARITY(acquire_returns_true) {
  Lock lock;
  say(lock.locked());
  const bool result = co_await lock.acquire();
  say(result, lock.locked());
  lock.release();
  say(lock.locked());
}

namespace {

int release(Lock& lock) {
  lock.release();
  return 0;
}

}  // namespace

PARITY(released_without_being_held) {
  Lock lock;
  try {
    lock.release();
  } catch (const std::logic_error&) {
    say(name(std::current_exception()));
  }
  co_await lock.acquire();
  lock.release();
  say(raises([&] { return release(lock); }));
}

PARITY(first_come_first_served) {
  Lock lock;
  const auto tasks = start(&lock, {"a", "b", "c", "d"});
  co_await end(tasks);
  say(lock.locked());
}

PARITY(who_comes_late_does_not_overtake) {
  Lock lock;
  co_await lock.acquire();
  auto tasks = start(&lock, {"waits"});
  co_await sleep(1s);
  lock.release();
  // Free, but promised.
  say(lock.locked());
  tasks.push_back(start(&lock, {"late"})[0]);
  co_await lock.acquire();
  say(now(), "main has it");
  lock.release();
  co_await end(tasks);
}

PARITY(a_cancelled_waiter_leaves_the_line) {
  Lock lock;
  const auto tasks = start(&lock, {"a", "b", "c"});
  co_await sleep(500ms);
  tasks[1].cancel("no longer");
  co_await end(tasks);
}

PARITY(cancelled_as_it_is_woken) {
  Lock lock;
  co_await lock.acquire();
  const auto tasks = start(&lock, {"a", "b"});
  co_await sleep(1s);
  lock.release();
  tasks[0].cancel();
  co_await end(tasks);
  say(lock.locked());
}

PARITY(cancelled_and_then_released) {
  Lock lock;
  co_await lock.acquire();
  const auto tasks = start(&lock, {"a", "b"});
  co_await sleep(1s);
  tasks[0].cancel();
  lock.release();
  co_await end(tasks);
}

PARITY(the_only_waiter_is_cancelled_as_it_is_woken) {
  Lock lock;
  co_await lock.acquire();
  const auto tasks = start(&lock, {"a"});
  co_await sleep(1s);
  lock.release();
  tasks[0].cancel();
  co_await sleep(0s);
  const bool result = co_await lock.acquire();
  say(result, now());
  co_await end(tasks);
}

PARITY(free_while_all_who_wait_are_cancelled) {
  Lock lock;
  co_await lock.acquire();
  const auto tasks = start(&lock, {"a", "b"});
  co_await sleep(1s);
  for (const Task<>& task : tasks) {
    task.cancel();
  }
  lock.release();
  const bool result = co_await lock.acquire();
  say(result, now());
  co_await end(tasks);
  lock.release();
}

PARITY(cancelled_while_it_is_held) {
  Lock lock;
  const auto tasks = start(&lock, {"a", "b"});
  co_await sleep(500ms);
  tasks[0].cancel();
  co_await end(tasks);
}

PARITY(a_scope_lets_go_however_it_ends) {
  Lock lock;
  const auto looks = [&]() -> Coroutine<> {
    say("inside", lock.locked());
    co_return;
  };
  co_await async_with(lock, looks());
  say("outside", lock.locked());
  const auto fails = []() -> Coroutine<> {
    throw ValueError("body");
    co_return;
  };
  try {
    co_await async_with(lock, fails());
  } catch (const ValueError&) {
    say(name(std::current_exception()), lock.locked());
  }
  const auto lets_go = [&]() -> Coroutine<> {
    lock.release();
    co_return;
  };
  try {
    co_await async_with(lock, lets_go());
  } catch (const std::logic_error&) {
    say(name(std::current_exception()));
  }
}

PARITY(wait_for_gives_up_a_lock) {
  Lock lock;
  co_await lock.acquire();
  try {
    co_await wait_for(lock.acquire(), 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  lock.release();
  const bool result = co_await wait_for(lock.acquire(), 1s);
  say(result, now());
}

namespace {

Coroutine<> briefly(Lock* lock) {
  get_running_loop().call_later(1s, [lock] { lock->release(); });
  co_await lock->acquire();
  co_await lock->acquire();
  lock->release();
}

}  // namespace

PARITY_PLAIN(one_lock_in_two_loops) {
  Lock lock;
  for (int i = 0; i < 2; ++i) {
    try {
      run(briefly(&lock));
      say("done");
    } catch (const std::logic_error& error) {
      const std::string text = error.what();
      say(text.find("bound to a different event loop") != text.npos);
    }
  }
}
