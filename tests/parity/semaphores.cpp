// Semaphore and BoundedSemaphore: so many at a time, in their order.
//
// Stage: 13
#include "locks.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<> holds(Semaphore* semaphore, std::string label) {
  try {
    co_await semaphore->acquire();
  } catch (const CancelledError&) {
    say(now(), label, "cancelled");
    throw;
  }
  say(now(), label, "has it", semaphore->locked());
  co_await sleep(1s);
  semaphore->release();
  say(now(), label, "lets go", semaphore->locked());
}

std::vector<Task<>> start(
    Semaphore* semaphore,
    std::vector<std::string> labels
) {
  std::vector<Task<>> tasks;
  for (const std::string& label : labels) {
    tasks.push_back(create_task(holds(semaphore, label)));
  }
  return tasks;
}

Coroutine<> end(std::vector<Task<>> tasks) {
  co_await wait(tasks);
  std::string text = now();
  for (const Task<>& task : tasks) {
    text += task.cancelled() ? " True" : " False";
  }
  say(text);
}

int release(Semaphore& semaphore) {
  semaphore.release();
  return 0;
}

}  // namespace

PARITY(two_at_a_time) {
  Semaphore semaphore(2);
  const auto tasks = start(&semaphore, {"a", "b", "c", "d", "e"});
  co_await end(tasks);
}

PARITY(it_counts) {
  Semaphore semaphore(2);
  say(semaphore.locked());
  const bool first = co_await semaphore.acquire();
  say(first, semaphore.locked());
  const bool second = co_await semaphore.acquire();
  say(second, semaphore.locked());
  semaphore.release();
  say(semaphore.locked());
}

PARITY(no_negative_number) {
  try {
    Semaphore semaphore(-1);
  } catch (const std::invalid_argument&) {
    say(name(std::current_exception()));
  }
  try {
    BoundedSemaphore semaphore(-1);
  } catch (const std::invalid_argument&) {
    say(name(std::current_exception()));
  }
  say(Semaphore(0).locked(), Semaphore().locked());
  co_return;
}

PARITY(a_bounded_one_is_not_released_too_often) {
  BoundedSemaphore semaphore;
  try {
    semaphore.release();
  } catch (const std::invalid_argument&) {
    say(name(std::current_exception()));
  }
  co_await semaphore.acquire();
  const std::string first = raises([&] { return release(semaphore); });
  say(first, raises([&] { return release(semaphore); }));
  Semaphore().release();
}

PARITY(begun_at_none_it_waits_for_a_release) {
  Semaphore semaphore(0);
  const auto tasks = start(&semaphore, {"a", "b"});
  co_await sleep(1s);
  semaphore.release();
  co_await end(tasks);
}

PARITY(who_comes_late_does_not_overtake) {
  Semaphore semaphore;
  co_await semaphore.acquire();
  const auto tasks = start(&semaphore, {"waits"});
  co_await sleep(1s);
  semaphore.release();
  say(semaphore.locked());
  co_await semaphore.acquire();
  say(now(), "main has it");
  semaphore.release();
  co_await end(tasks);
}

PARITY(a_cancelled_waiter_leaves_the_line) {
  Semaphore semaphore;
  const auto tasks = start(&semaphore, {"a", "b", "c"});
  co_await sleep(500ms);
  tasks[1].cancel();
  co_await end(tasks);
}

PARITY(cancelled_as_it_is_woken) {
  Semaphore semaphore(0);
  const auto tasks = start(&semaphore, {"a", "b"});
  co_await sleep(1s);
  semaphore.release();
  tasks[0].cancel();
  co_await end(tasks);
}

PARITY(cancelled_and_then_released) {
  Semaphore semaphore(0);
  const auto tasks = start(&semaphore, {"a", "b"});
  co_await sleep(1s);
  tasks[0].cancel();
  semaphore.release();
  co_await end(tasks);
}

PARITY(several_released_at_once) {
  Semaphore semaphore(0);
  const auto tasks = start(&semaphore, {"a", "b", "c"});
  co_await sleep(1s);
  for (int i = 0; i < 5; ++i) {
    semaphore.release();
  }
  co_await end(tasks);
  say(semaphore.locked());
}

PARITY(all_who_wait_are_cancelled) {
  Semaphore semaphore(0);
  const auto tasks = start(&semaphore, {"a", "b"});
  co_await sleep(1s);
  for (const Task<>& task : tasks) {
    task.cancel();
  }
  semaphore.release();
  say(semaphore.locked());
  co_await end(tasks);
  const bool result = co_await semaphore.acquire();
  say(result, semaphore.locked());
}

PARITY(a_scope_lets_go_however_it_ends) {
  BoundedSemaphore semaphore(1);
  const auto fails = [&]() -> Coroutine<> {
    say(semaphore.locked());
    throw ValueError("body");
    co_return;
  };
  try {
    co_await async_with(semaphore, fails());
  } catch (const ValueError&) {
    say(name(std::current_exception()), semaphore.locked());
  }
}
