// wait(): which of these are done, and which are not.
//
// Stage: 07
#include "parity.hpp"

#include <algorithm>
#include <optional>

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<int> work(std::string label, Seconds delay, int result) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, "cancelled");
    throw;
  }
  say(now(), label, "done");
  co_return result;
}

Coroutine<int> fail(std::string label, Seconds delay) {
  co_await sleep(delay);
  throw ValueError(label);
}

Coroutine<int> rounds(std::string label, int count) {
  for (int i = 0; i < count; ++i) {
    co_await sleep(0s);
  }
  say(label, "done");
  co_return count;
}

template <class T>
Task<T> start(Coroutine<T> coroutine, std::string label) {
  return create_task(std::move(coroutine), std::move(label));
}

/// The tasks' names in alphabetical order, as Python's wait() gives sets.
template <class T>
std::string names(const std::vector<Task<T>>& tasks) {
  std::vector<std::string> sorted;
  for (const auto& task : tasks) {
    sorted.push_back(task.get_name());
  }
  std::sort(sorted.begin(), sorted.end());
  std::string text;
  for (const auto& each : sorted) {
    text += (text.empty() ? "" : " ") + each;
  }
  return text.empty() ? "nobody" : text;
}

}  // namespace

PARITY(all_completed_waits_for_the_last) {
  const std::vector tasks{
      start(work("a", 2s, 1), "a"), start(work("b", 1s, 2), "b")};
  const auto [done, pending] = co_await wait(tasks);
  say(now(), "done:", names(done), "pending:", names(pending));
}

PARITY(it_takes_no_time_if_all_are_done_already) {
  const std::vector tasks{
      start(work("a", 2s, 1), "a"), start(work("b", 1s, 2), "b")};
  co_await wait(tasks);
  const auto [done, pending] = co_await wait(tasks);
  say(now(), "done:", names(done), "pending:", names(pending));
}

PARITY(first_completed_lets_the_others_go_on) {
  const std::vector tasks{
      start(work("a", 2s, 1), "a"), start(work("b", 1s, 2), "b")};
  const auto [done, pending] = co_await wait(tasks, FIRST_COMPLETED);
  say(now(), "done:", names(done), "pending:", names(pending));
  const auto [rest, nobody] = co_await wait(pending);
  say(now(), "done:", names(rest), "pending:", names(nobody));
}

PARITY(first_completed_is_content_with_a_failure) {
  const std::vector tasks{
      start(work("a", 2s, 1), "a"), start(fail("b", 1s), "b")};
  const auto [done, pending] = co_await wait(tasks, FIRST_COMPLETED);
  say(now(), "done:", names(done), "pending:", names(pending));
  for (const auto& task : done) {
    say(name(task.exception()));
  }
  co_await wait(pending);
}

PARITY(first_completed_may_find_more_than_one_done) {
  const std::vector tasks{
      start(rounds("a", 1), "a"),
      start(rounds("b", 2), "b"),
      start(rounds("c", 4), "c"),
  };
  const auto [done, pending] = co_await wait(tasks, FIRST_COMPLETED);
  say("done:", names(done), "pending:", names(pending));
  co_await wait(pending);
}

PARITY(first_exception_returns_at_the_exception) {
  const std::vector tasks{
      start(work("a", 1s, 1), "a"),
      start(fail("b", 2s), "b"),
      start(work("c", 3s, 3), "c"),
  };
  const auto [done, pending] = co_await wait(tasks, FIRST_EXCEPTION);
  say(now(), "done:", names(done), "pending:", names(pending));
  say(name(tasks[1].exception()));
  co_await wait(pending);
}

PARITY(first_exception_without_one_waits_for_all) {
  const std::vector tasks{
      start(work("a", 2s, 1), "a"), start(work("b", 1s, 2), "b")};
  const auto [done, pending] = co_await wait(tasks, FIRST_EXCEPTION);
  say(now(), "done:", names(done), "pending:", names(pending));
}

PARITY(first_exception_does_not_count_a_cancellation) {
  const std::vector tasks{
      start(work("a", 5s, 1), "a"), start(work("b", 3s, 2), "b")};
  get_running_loop().call_later(1s, [a = tasks[0]] { a.cancel(); });
  const auto [done, pending] = co_await wait(tasks, FIRST_EXCEPTION);
  say(now(), "done:", names(done), "pending:", names(pending));
  say(tasks[0].cancelled(), tasks[1].cancelled());
}

PARITY(first_exception_notices_one_that_was_there_before) {
  const std::vector tasks{
      start(work("a", 2s, 1), "a"), start(fail("b", 1s), "b")};
  co_await sleep(1.5s);
  const auto [done, pending] = co_await wait(tasks, FIRST_EXCEPTION);
  say(now(), "done:", names(done), "pending:", names(pending));
  say(name(tasks[1].exception()));
  co_await wait(pending);
}

PARITY(exceptions_stay_in_the_tasks) {
  const std::vector tasks{
      start(fail("a", 1s), "a"), start(fail("b", 2s), "b")};
  const auto [done, pending] = co_await wait(tasks);
  say(now(), "done:", names(done), "pending:", names(pending));
  for (const auto& task : tasks) {
    say(name(task.exception()));
  }
}

PARITY(a_timeout_cancels_nobody) {
  const std::vector tasks{
      start(work("a", 1s, 1), "a"), start(work("b", 3s, 2), "b")};
  const auto [done, pending] = co_await wait(tasks, ALL_COMPLETED, 2s);
  say(now(), "done:", names(done), "pending:", names(pending));
  co_await sleep(2s);
  say(now(), "end");
}

PARITY(a_timeout_that_is_not_needed_holds_nobody_up) {
  const std::vector tasks{
      start(work("a", 1s, 1), "a"), start(work("b", 2s, 2), "b")};
  const auto [done, pending] = co_await wait(tasks, ALL_COMPLETED, 10s);
  say(now(), "done:", names(done), "pending:", names(pending));
}

PARITY(a_timeout_of_zero_only_looks) {
  const std::vector tasks{
      start(rounds("a", 0), "a"), start(work("b", 1s, 2), "b")};
  const auto [done, pending] = co_await wait(tasks, ALL_COMPLETED, 0s);
  say(now(), "done:", names(done), "pending:", names(pending));
  co_await wait(pending);
}

PARITY(a_task_that_ends_with_the_timeout_comes_too_late) {
  const std::vector tasks{start(work("a", 1s, 1), "a")};
  const auto [done, pending] = co_await wait(tasks, ALL_COMPLETED, 1s);
  say(now(), "done:", names(done), "pending:", names(pending));
  co_await wait(pending);
}

PARITY(a_task_that_began_before_the_timeout_ends_before_it) {
  const std::vector tasks{start(work("a", 1s, 1), "a")};
  co_await sleep(0s);
  const auto [done, pending] = co_await wait(tasks, ALL_COMPLETED, 1s);
  say(now(), "done:", names(done), "pending:", names(pending));
}

PARITY(cancelled_while_waiting_it_leaves_the_tasks_alone) {
  const std::vector tasks{
      start(work("a", 2s, 1), "a"), start(work("b", 3s, 2), "b")};

  const auto waiting = [tasks]() -> Coroutine<> {
    try {
      co_await wait(tasks);
    } catch (const CancelledError&) {
      say(now(), name(std::current_exception()));
      throw;
    }
  };

  auto waiter = start(waiting(), "waiter");
  co_await sleep(1s);
  waiter.cancel("enough");
  try {
    co_await waiter;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()), waiter.cancelled());
  }
  const auto [done, pending] = co_await wait(tasks);
  say(now(), "done:", names(done), "pending:", names(pending));
}

PARITY(two_can_wait_for_the_same_tasks) {
  const std::vector tasks{
      start(work("a", 1s, 1), "a"), start(work("b", 2s, 2), "b")};

  const auto waiting = [tasks](std::string label,
                               ReturnWhen return_when) -> Coroutine<> {
    const auto [done, pending] = co_await wait(tasks, return_when);
    say(now(), label, "done:", names(done), "pending:", names(pending));
  };

  auto first = start(waiting("first", FIRST_COMPLETED), "first");
  auto second = start(waiting("second", ALL_COMPLETED), "second");
  co_await first;
  co_await second;
}

PARITY(plain_futures_will_do) {
  auto& loop = get_running_loop();
  auto first = loop.create_future<int>();
  auto second = loop.create_future<int>();
  const std::vector futures{first, second};
  loop.call_later(1s, [second] { second.set_result(2); });
  const auto [done, pending] = co_await wait(futures, FIRST_COMPLETED);
  say(now(), done.size(), pending.size(), first.done(), second.done());
  loop.call_later(1s, [first] { first.cancel(); });
  const auto [both, nobody] = co_await wait(futures);
  say(now(), both.size(), nobody.size(), first.cancelled());
}

PARITY(futures_of_all_kinds_will_do_together) {
  auto& loop = get_running_loop();
  auto future = loop.create_future<std::string>();
  auto task = start(work("task", 2s, 1), "task");
  auto both = gather(work("a", 1s, 2), work("b", 3s, 3));
  loop.call_later(4s, [future] { future.set_result("text"); });
  const std::vector<AnyFuture> futures{future, task, both};
  const auto [done, pending] = co_await wait(futures, ALL_COMPLETED, 3.5s);
  say(now(), done.size(), pending.size(), task.done(), both.done());
  co_await future;
}

PARITY(the_same_task_twice_counts_once) {
  auto task = start(work("a", 1s, 1), "a");
  const std::vector tasks{task, task};
  const auto [done, pending] = co_await wait(tasks);
  say(now(), "done:", names(done), "pending:", names(pending));
}

PARITY(nothing_to_wait_for_is_an_error) {
  try {
    co_await wait(std::vector<Task<int>>());
  } catch (const std::invalid_argument&) {
    say("refused");
  }
}
