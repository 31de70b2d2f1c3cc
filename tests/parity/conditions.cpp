// Condition: without the lock until notified, and then with it again.
//
// Stage: 13
#include "locks.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<> waits_inside(Condition* condition, std::string label) {
  say(now(), label, "waits");
  try {
    const bool result = co_await condition->wait();
    say(now(), label, result, condition->locked());
  } catch (const CancelledError&) {
    say(now(), label, name(std::current_exception()), condition->locked());
    throw;
  }
}

std::vector<Task<>> start(
    Condition* condition,
    std::vector<std::string> labels
) {
  std::vector<Task<>> tasks;
  for (const std::string& label : labels) {
    tasks.push_back(create_task(
        async_with(*condition, waits_inside(condition, label))));
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

Coroutine<> notify(Condition* condition) {
  const Guard guard = co_await condition->scoped();
  say(now(), "notifies");
  condition->notify();
}

Coroutine<> notify(Condition* condition, std::size_t count) {
  const Guard guard = co_await condition->scoped();
  say(now(), "notifies", count);
  condition->notify(count);
}

Coroutine<> notify_all(Condition* condition) {
  const Guard guard = co_await condition->scoped();
  condition->notify_all();
}

}  // namespace

PARITY(one_or_more_or_all_are_notified) {
  Condition condition;
  const auto tasks = start(&condition, {"a", "b", "c", "d", "e", "f"});
  co_await sleep(1s);
  co_await notify(&condition);
  co_await sleep(1s);
  co_await notify(&condition, 2);
  co_await sleep(1s);
  co_await notify_all(&condition);
  co_await end(tasks);
}

PARITY(not_before_the_notifier_lets_go) {
  Condition condition;
  const auto tasks = start(&condition, {"a", "b"});
  co_await sleep(1s);
  {
    const Guard guard = co_await condition.scoped();
    condition.notify_all();
    co_await sleep(1s);
    say(now(), "lets go");
  }
  co_await end(tasks);
}

PARITY(nobody_to_notify) {
  Condition condition;
  co_await notify(&condition);
  co_await notify_all(&condition);
  const auto tasks = start(&condition, {"a"});
  co_await sleep(1s);
  co_await notify(&condition, 5);
  co_await end(tasks);
}

PARITY(without_the_lock) {
  Condition condition;
  try {
    condition.notify();
  } catch (const std::logic_error&) {
    say(name(std::current_exception()));
  }
  try {
    condition.notify_all();
  } catch (const std::logic_error&) {
    say(name(std::current_exception()));
  }
  try {
    co_await condition.wait();
  } catch (const std::logic_error&) {
    say(name(std::current_exception()));
  }
  const auto release = [&] {
    condition.release();
    return 0;
  };
  say(raises(release), condition.locked());
}

namespace {

Coroutine<> waits_for_three(Condition* condition, std::vector<int>* values) {
  const Guard guard = co_await condition->scoped();
  const auto enough = [values] { return values->size() / 3; };
  const std::size_t found = co_await condition->wait_for(enough);
  say(now(), "found", found, values->size());
}

}  // namespace

PARITY(waiting_for_a_predicate) {
  Condition condition;
  std::vector<int> values;
  const auto task = create_task(waits_for_three(&condition, &values));
  for (int i = 0; i < 4; ++i) {
    co_await sleep(1s);
    const Guard guard = co_await condition.scoped();
    values.push_back(1);
    condition.notify();
  }
  co_await task;
  const Guard guard = co_await condition.scoped();
  const auto always = [] { return 42; };
  const int result = co_await condition.wait_for(always);
  say(result);
}

PARITY(a_predicate_that_raises) {
  Condition condition;
  const auto fails = []() -> bool { throw ValueError("boom"); };
  const Guard guard = co_await condition.scoped();
  try {
    co_await condition.wait_for(fails);
  } catch (const ValueError&) {
    say(name(std::current_exception()), condition.locked());
  }
}

PARITY(a_cancelled_waiter_has_the_lock_first) {
  Condition condition;
  const auto tasks = start(&condition, {"a", "b"});
  co_await sleep(1s);
  {
    const Guard guard = co_await condition.scoped();
    tasks[0].cancel("stop");
    co_await sleep(1s);
    say(now(), tasks[0].done());
  }
  co_await wait(tasks[0]);
  co_await notify(&condition);
  co_await end(tasks);
}

PARITY(cancelled_while_it_waits_for_the_lock) {
  Condition condition;
  const auto tasks = start(&condition, {"a"});
  co_await sleep(1s);
  co_await condition.acquire();
  condition.notify();
  co_await sleep(1s);
  tasks[0].cancel("once");
  co_await sleep(1s);
  tasks[0].cancel("twice");
  co_await sleep(1s);
  say(now(), tasks[0].done());
  condition.release();
  co_await end(tasks);
}

PARITY(a_notified_waiter_that_is_cancelled) {
  Condition condition;
  const auto tasks = start(&condition, {"a", "b"});
  co_await sleep(1s);
  {
    const Guard guard = co_await condition.scoped();
    condition.notify();
    tasks[0].cancel();
  }
  co_await sleep(1s);
  say(now(), tasks[1].done());
  co_await notify_all(&condition);
  co_await end(tasks);
}

PARITY(the_first_of_them_was_cancelled_before) {
  Condition condition;
  const auto tasks = start(&condition, {"a", "b"});
  co_await sleep(1s);
  {
    const Guard guard = co_await condition.scoped();
    tasks[0].cancel();
    condition.notify();
  }
  co_await end(tasks);
}

PARITY(two_conditions_of_one_lock) {
  Lock lock;
  Condition one(lock);
  Condition other(lock);
  auto tasks = start(&one, {"one"});
  tasks.push_back(start(&other, {"other"})[0]);
  co_await sleep(1s);
  {
    const Guard guard = co_await lock.scoped();
    say(one.locked(), other.locked());
    other.notify_all();
  }
  co_await sleep(1s);
  co_await notify(&one);
  co_await end(tasks);
}

PARITY(a_time_limit_for_a_wait) {
  Condition condition;
  {
    const Guard guard = co_await condition.scoped();
    try {
      co_await async_with(timeout(1s), condition.wait());
    } catch (const TimeoutError&) {
      say(now(), "TimeoutError", condition.locked());
    }
  }
  say(condition.locked());
}
