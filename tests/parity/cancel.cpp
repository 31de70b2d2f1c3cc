// Cancelling: an exception, thrown in where a task waits.
//
// Stage: 06
#include <sys/socket.h>

#include "common/net.hpp"
#include "parity.hpp"
#include "sockets.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

/// Awaits the task, returns what came out in words.
template <class T>
Coroutine<std::string> outcome(Task<T> task) {
  std::string text = "returned";
  try {
    co_await task;
  } catch (...) {
    text = name(std::current_exception());
  }
  co_return text;
}

/// Says what came out of the task, and how it stands then.
template <class T>
Coroutine<> report(std::string who, Task<T> task) {
  const std::string text = co_await outcome(task);
  say(who, text, "- done", task.done(), "cancelled", task.cancelled());
}

/// Says how its sleep ended.
Coroutine<> sleeper(std::string who, Seconds delay) {
  say(who, "sleeps");
  try {
    co_await sleep(delay);
    say(now(), who, "slept");
  } catch (const CancelledError&) {
    say(now(), who, name(std::current_exception()));
    throw;
  }
}

/// Says what came of the future, or that it was not to be.
Coroutine<> get(std::string who, Future<int> future) {
  say(who, "awaits");
  try {
    const int value = co_await future;
    say(who, "got", value);
  } catch (const CancelledError&) {
    say(who, name(std::current_exception()));
    throw;
  }
}

/// The same for a task.
Coroutine<> join(std::string who, Task<> task) {
  say(who, "awaits");
  try {
    co_await task;
    say(who, "goes on");
  } catch (const CancelledError&) {
    say(who, name(std::current_exception()));
    throw;
  }
}

/// Swallows so many cancellations.
Coroutine<> stubborn(std::string who, int times) {
  for (int i = 0; i < times; ++i) {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      say(who, "does not mind");
    }
  }
  co_await sleep(10s);
  say(now(), who, "ends");
}

}  // namespace

// ---- Where it waits -------------------------------------------------------

PARITY(before_it_begins) {
  auto task = create_task(sleeper("task", 1s));
  say("cancel", task.cancel());
  say("done", task.done(), "cancelled", task.cancelled());
  co_await report("task", task);
}

PARITY(at_a_future) {
  Future<int> future;
  auto task = create_task(get("task", future));
  co_await sleep(0s);
  say("cancel", task.cancel());
  say("the future is cancelled", future.cancelled());
  say("done", task.done(), "cancelled", task.cancelled());
  co_await report("task", task);
}

PARITY(at_a_sleep) {
  auto task = create_task(sleeper("task", 10s));
  co_await sleep(1s);
  say("cancel", task.cancel());
  co_await report("task", task);
  say(now(), "main goes on");
}

PARITY(at_a_sleep_of_zero) {
  auto task = create_task(sleeper("task", 0s));
  co_await sleep(0s);
  say("cancel", task.cancel());
  co_await report("task", task);
}

PARITY(at_another_task) {
  auto inner = create_task(sleeper("inner", 10s));
  auto outer = create_task(join("outer", inner));
  co_await sleep(1s);
  say("cancel", outer.cancel());
  say("inner", inner.cancelled(), "outer", outer.cancelled());
  co_await sleep(0s);
  say("inner", inner.cancelled(), "outer", outer.cancelled());
  co_await sleep(0s);
  say("inner", inner.cancelled(), "outer", outer.cancelled());
}

namespace {

Coroutine<> nested(int level) {
  const Finally cleanup([=] { say("level", level, "cleans up"); });
  if (level == 0) {
    co_await sleep(10s);
  } else {
    co_await nested(level - 1);
  }
}

}  // namespace

PARITY(in_a_nested_coroutine) {
  auto task = create_task(nested(3));
  co_await sleep(1s);
  task.cancel();
  co_await report("task", task);
}

namespace {

Coroutine<> receive(std::string who, int end) {
  say(who, "receives");
  try {
    const std::string data = co_await sock_recv(end, 100);
    say(who, "got", data);
  } catch (const CancelledError&) {
    say(who, name(std::current_exception()));
    throw;
  }
}

std::pair<Socket, Socket> pair() {
  const auto [left, right] = stream_pair();
  return {Socket(left), Socket(right)};
}

}  // namespace

PARITY(at_sock_recv) {
  auto [left, right] = pair();
  auto task = create_task(receive("task", right));
  co_await sleep(1s);
  say("cancel", task.cancel());
  co_await report("task", task);
  // What comes now is somebody else's.
  auto other = create_task(receive("other", right));
  co_await sleep(1s);
  ::send(left, "hello", 5, 0);
  co_await report("other", other);
  left.close();
  right.close();
}

namespace {

Coroutine<> watch(std::string who, int end) {
  say(who, "waits");
  try {
    co_await wait_readable(end);
    say(who, "can read");
  } catch (const CancelledError&) {
    say(who, name(std::current_exception()));
    throw;
  }
}

}  // namespace

PARITY(at_a_descriptor) {
  auto [left, right] = pair();
  auto task = create_task(watch("task", right));
  co_await sleep(1s);
  task.cancel();
  co_await report("task", task);
  say("still watched", get_running_loop().remove_reader(right));
  left.close();
  right.close();
}

PARITY(at_a_descriptor_that_is_ready) {
  auto [left, right] = pair();
  auto task = create_task(watch("task", right));
  co_await sleep(0s);
  ::send(left, "hello", 5, 0);
  task.cancel();
  co_await report("task", task);
  task = create_task(watch("task", right));
  co_await report("task", task);
  left.close();
  right.close();
}

namespace {

Coroutine<> three_steps() {
  for (int step = 0; step < 3; ++step) {
    say("step", step);
    co_await sleep(0s);
  }
  say("all steps");
}

}  // namespace

PARITY(at_each_step) {
  for (int rounds = 0; rounds < 6; ++rounds) {
    auto task = create_task(three_steps());
    for (int i = 0; i < rounds; ++i) {
      co_await sleep(0s);
    }
    say("after", rounds, "rounds: cancel", task.cancel());
    co_await report("task", task);
  }
}

namespace {

Coroutine<> three_futures(std::vector<Future<int>> futures) {
  for (const auto& future : futures) {
    co_await get("task", future);
  }
}

}  // namespace

PARITY(at_each_of_three_futures) {
  for (int done = 0; done < 4; ++done) {
    std::vector<Future<int>> futures;
    for (int i = 0; i < 3; ++i) {
      futures.push_back(Future<int>());
    }
    for (std::size_t i = 0; i < std::size_t(done); ++i) {
      futures[i].set_result(int(i));
    }
    auto task = create_task(three_futures(futures));
    co_await sleep(0s);
    say("with", done, "done: cancel", task.cancel());
    co_await report("task", task);
    for (const auto& future : futures) {
      say("future: done", future.done(), "cancelled", future.cancelled());
    }
  }
}

// ---- When -----------------------------------------------------------------

PARITY(when_it_is_done_it_is_too_late) {
  auto task = create_task(sleeper("task", 1s));
  co_await task;
  say("cancel", task.cancel());
  co_await report("task", task);
}

PARITY(when_it_was_cancelled_it_is_too_late) {
  auto task = create_task(sleeper("task", 1s));
  co_await sleep(0s);
  task.cancel();
  co_await report("task", task);
  say("cancel", task.cancel("too late"));
  co_await report("task", task);
}

PARITY(twice_in_one_round_is_once) {
  Future<int> future;
  auto task = create_task(get("task", future));
  co_await sleep(0s);
  say("cancel", task.cancel());
  say("cancel", task.cancel());
  co_await report("task", task);
}

PARITY(twice_in_one_round_and_swallowed_once) {
  auto task = create_task(stubborn("task", 1));
  co_await sleep(0s);
  say("cancel", task.cancel());
  say("cancel", task.cancel());
  co_await report("task", task);
}

namespace {

// A finally block that awaits: the exception is noted, and thrown again after
// it.
Coroutine<> cleans_up(std::string who) {
  std::exception_ptr exception;
  try {
    co_await sleep(10s);
  } catch (...) {
    exception = std::current_exception();
  }
  say(now(), who, "cleans up");
  try {
    co_await sleep(2s);
    say(now(), who, "has cleaned up");
  } catch (const CancelledError&) {
    say(now(), who, "is interrupted:", name(std::current_exception()));
    throw;
  }
  if (exception) {
    std::rethrow_exception(exception);
  }
}

}  // namespace

PARITY(while_it_cleans_up) {
  auto task = create_task(cleans_up("task"));
  co_await sleep(1s);
  task.cancel("first");
  co_await sleep(1s);
  say("done", task.done());
  task.cancel("second");
  co_await report("task", task);
}

PARITY(it_may_clean_up_in_peace) {
  auto task = create_task(cleans_up("task"));
  co_await sleep(1s);
  task.cancel("enough");
  co_await report("task", task);
  say(now(), "main goes on");
}

PARITY(between_the_result_and_the_waking) {
  Future<int> future;
  auto task = create_task(get("task", future));
  co_await sleep(0s);
  future.set_result(42);
  say("cancel", task.cancel());
  say("the future is cancelled", future.cancelled());
  co_await report("task", task);
}

PARITY(between_an_exception_and_the_waking) {
  Future<int> future;
  auto task = create_task(get("task", future));
  co_await sleep(0s);
  future.set_exception(ValueError("boom"));
  say("cancel", task.cancel());
  co_await report("task", task);
  say("the future:", name(future.exception()));
}

namespace {

Coroutine<> wake_up_and_end() {
  co_await sleep(0s);
  say("inner ends");
}

}  // namespace

PARITY(between_the_end_of_the_inner_task_and_the_waking) {
  auto inner = create_task(wake_up_and_end());
  auto outer = create_task(join("outer", inner));
  co_await sleep(0s);
  co_await sleep(0s);
  say("inner is done", inner.done());
  say("cancel", outer.cancel());
  co_await report("outer", outer);
  co_await report("inner", inner);
}

PARITY(at_the_time_it_would_wake_but_sooner) {
  EventLoop& loop = get_running_loop();
  AnyTask any;
  loop.call_later(1s, [&] { say("cancel", any.cancel()); });
  auto task = create_task(sleeper("task", 1s));
  any = task;
  co_await report("task", task);
}

PARITY(at_the_time_it_would_wake_but_later) {
  EventLoop& loop = get_running_loop();
  auto task = create_task(sleeper("task", 1s));
  co_await sleep(0s);
  loop.call_later(1s, [=] { say("cancel", task.cancel()); });
  co_await report("task", task);
}

PARITY(in_a_callback_before_the_waking) {
  Future<int> future;
  auto task = create_task(get("task", future));
  future.add_done_callback([=] { say("cancel", task.cancel()); });
  co_await sleep(0s);
  future.set_result(42);
  co_await report("task", task);
}

PARITY(in_a_callback_after_the_waking) {
  Future<int> future;
  auto task = create_task(get("task", future));
  co_await sleep(0s);
  future.add_done_callback([=] { say("cancel", task.cancel()); });
  future.set_result(42);
  co_await report("task", task);
}

PARITY(in_its_own_done_callback) {
  auto task = create_task(sleeper("task", 1s));
  task.add_done_callback([](AnyFuture f) { say("cancel", f.cancel()); });
  co_await report("task", task);
}

// ---- Of itself ------------------------------------------------------------

namespace {

Coroutine<int> cancels_itself(int rounds) {
  say("cancel", current_task().cancel());
  say("goes on");
  for (int i = 0; i < rounds; ++i) {
    co_await sleep(0s);
    say("never said");
  }
  co_return 42;
}

}  // namespace

PARITY(of_itself_at_its_next_await) {
  auto task = create_task(cancels_itself(1));
  co_await report("task", task);
}

PARITY(of_itself_without_another_await) {
  auto task = create_task(cancels_itself(0));
  co_await report("task", task);
}

namespace {

Coroutine<> cancels_itself_and_awaits(Future<int> future) {
  current_task().cancel();
  co_await get("task", future);
}

}  // namespace

PARITY(of_itself_and_then_a_future) {
  Future<int> future;
  auto task = create_task(cancels_itself_and_awaits(future));
  co_await report("task", task);
  say("the future is cancelled", future.cancelled());
  // One that is done does not pause, so nothing is thrown in.
  future = Future<int>();
  future.set_result(42);
  task = create_task(cancels_itself_and_awaits(future));
  co_await report("task", task);
}

namespace {

Coroutine<> cancels_itself_and_fails() {
  current_task().cancel();
  throw ValueError("boom");
  co_return;
}

}  // namespace

PARITY(of_itself_and_then_an_exception) {
  auto task = create_task(cancels_itself_and_fails());
  co_await report("task", task);
}

// ---- What it does about it ------------------------------------------------

namespace {

Coroutine<int> swallows() {
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    say("swallowed");
  }
  co_return 42;
}

}  // namespace

PARITY(swallowed) {
  auto task = create_task(swallows());
  co_await sleep(0s);
  say("cancel", task.cancel());
  co_await report("task", task);
  say("result", task.result());
}

PARITY(swallowed_time_and_again) {
  auto task = create_task(stubborn("task", 2));
  co_await sleep(0s);
  for (int i = 0; i < 3; ++i) {
    say(i, "cancel", task.cancel());
    co_await sleep(1s);
    say(now(), "done", task.done());
  }
  co_await report("task", task);
}

PARITY(swallowed_and_then_it_sleeps_again) {
  auto task = create_task(stubborn("task", 1));
  co_await sleep(5s);
  task.cancel();
  co_await report("task", task);
}

namespace {

Coroutine<> replaces() {
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    throw ValueError("instead");
  }
}

}  // namespace

PARITY(replaced_by_another_exception) {
  auto task = create_task(replaces());
  co_await sleep(0s);
  say("cancel", task.cancel());
  co_await report("task", task);
  say("exception", name(task.exception()));
}

namespace {

/// Lets what was interrupted run to its end.
Coroutine<> retries() {
  auto task = create_task(swallows());
  try {
    co_await task;
  } catch (const CancelledError&) {
    say("never said");
  }
  say("retries", task.result());
}

}  // namespace

PARITY(the_inner_task_swallows_it_for_the_outer) {
  auto outer = create_task(retries());
  co_await sleep(1s);
  say("cancel", outer.cancel());
  co_await report("outer", outer);
}

namespace {

Coroutine<> raises_by_hand() {
  throw CancelledError("by hand");
  co_return;
}

}  // namespace

PARITY(raised_by_hand) {
  auto task = create_task(raises_by_hand());
  co_await report("task", task);
  say("cancel", task.cancel());
}

// ---- More than one task ---------------------------------------------------

namespace {

Coroutine<> handles(Task<> task) {
  try {
    co_await task;
  } catch (const CancelledError&) {
    say("outer caught", name(std::current_exception()));
  }
  co_await sleep(1s);
  say("outer goes on");
}

}  // namespace

PARITY(of_the_inner_task_alone) {
  auto inner = create_task(sleeper("inner", 10s));
  auto outer = create_task(handles(inner));
  co_await sleep(1s);
  inner.cancel("only you");
  co_await report("outer", outer);
  inner = create_task(sleeper("inner", 10s));
  outer = create_task(join("outer", inner));
  co_await sleep(1s);
  inner.cancel("you first");
  co_await report("outer", outer);
}

PARITY(of_one_awaiter_takes_the_task_from_the_others) {
  auto task = create_task(sleeper("task", 10s));
  auto first = create_task(join("first", task));
  auto second = create_task(join("second", task));
  co_await sleep(1s);
  first.cancel();
  co_await report("second", second);
  co_await report("first", first);
  co_await report("task", task);
}

PARITY(of_a_future_that_several_await) {
  Future<int> future;
  auto first = create_task(get("first", future));
  auto second = create_task(get("second", future));
  co_await sleep(0s);
  say("cancel", future.cancel("for all"));
  co_await report("first", first);
  co_await report("second", second);
}

namespace {

Coroutine<> cancels_in_its_cleanup(AnyTask other) {
  const Finally cleanup([=] {
    say("cleaning up: cancel", other.cancel("from a cleanup"));
  });
  co_await sleep(10s);
}

}  // namespace

PARITY(in_the_cleanup_of_another) {
  auto second = create_task(sleeper("second", 10s));
  auto first = create_task(cancels_in_its_cleanup(second));
  co_await sleep(1s);
  first.cancel();
  co_await report("first", first);
  co_await report("second", second);
}

namespace {

Coroutine<> cancels(AnyTask task) {
  co_await sleep(1s);
  say("cancel", task.cancel("on top"));
}

}  // namespace

PARITY(main_can_be_cancelled_too) {
  auto killer = create_task(cancels(current_task()));
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    say(now(), "main", name(std::current_exception()));
  }
  co_await killer;
}

PARITY(a_chain_of_tasks_unwinds_from_the_inside) {
  auto first = create_task(sleeper("first", 10s));
  auto second = create_task(join("second", first));
  auto third = create_task(join("third", second));
  co_await sleep(1s);
  third.cancel("all of you");
  co_await report("third", third);
  say(first.cancelled(), second.cancelled());
}

PARITY(of_all_tasks_but_this) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 5; ++i) {
    tasks.push_back(create_task(sleep(10s)));
  }
  co_await sleep(1s);
  for (const AnyTask& task : all_tasks()) {
    if (task != current_task()) {
      task.cancel();
    }
  }
  for (const auto& task : tasks) {
    co_await report("task", task);
  }
  say(now(), "all tasks", all_tasks().size());
}

// ---- Messages and reports -------------------------------------------------

PARITY(the_message_reaches_the_coroutine_and_the_awaiter) {
  auto task = create_task(sleeper("task", 10s));
  co_await sleep(0s);
  task.cancel("why");
  co_await report("task", task);
  task = create_task(sleeper("task", 10s));
  task.cancel("before it begins");
  co_await report("task", task);
}

PARITY(of_two_messages) {
  // At a future the first one counts: it is done then.
  auto task = create_task(sleeper("task", 10s));
  co_await sleep(0s);
  task.cancel("first");
  task.cancel("second");
  co_await report("task", task);
  // Where nothing but its turn is waited for, the last one.
  task = create_task(sleeper("task", 0s));
  co_await sleep(0s);
  task.cancel("first");
  task.cancel("second");
  co_await report("task", task);
}

PARITY(the_message_through_an_inner_task) {
  auto inner = create_task(sleeper("inner", 10s));
  auto outer = create_task(join("outer", inner));
  co_await sleep(1s);
  outer.cancel("from above");
  co_await report("outer", outer);
}

PARITY(the_message_goes_to_the_first_who_asks) {
  auto task = create_task(sleeper("task", 10s));
  co_await sleep(0s);
  task.cancel("why");
  co_await report("first", task);
  co_await report("second", task);
}

namespace {

Coroutine<> start_and_cancel(Coroutine<> coroutine) {
  auto task = create_task(std::move(coroutine));
  co_await sleep(0s);
  task.cancel();
}

}  // namespace

PARITY(a_cancelled_task_is_not_reported) {
  co_await start_and_cancel(sleeper("task", 10s));
  co_await sleep(1s);
  say("nothing to report");
}

PARITY(an_error_on_the_way_out_is_reported) {
  co_await start_and_cancel(replaces());
  co_await sleep(1s);
  say("main goes on");
}

PARITY(done_callbacks_hear_of_it) {
  auto task = create_task(sleeper("task", 10s));
  task.add_done_callback([](AnyFuture f) { say("cancelled", f.cancelled()); });
  co_await sleep(0s);
  task.cancel();
  co_await sleep(0s);
  say("a round later");
  co_await sleep(0s);
  say("two rounds later");
}
