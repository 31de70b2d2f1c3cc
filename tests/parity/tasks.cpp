// Tasks: coroutines that run beside each other.
//
// Stage: 06
#include <algorithm>

#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

/// Pauses so many times.
Coroutine<> count(std::string who, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    say(who, i);
    co_await sleep(0s);
  }
  say(who, "ends");
}

/// Returns the value when the time has come.
Coroutine<int> value_of(std::string who, Seconds delay, int value) {
  say(now(), who, "begins");
  co_await sleep(delay);
  say(now(), who, "returns", value);
  co_return value;
}

Coroutine<int> fail(std::string text) {
  co_await sleep(1s);
  say("raising", text);
  throw ValueError(text);
}

/// Awaits it, says what came out.
Coroutine<> get(std::string who, Future<int> awaited) {
  try {
    const int value = co_await awaited;
    say(who, "got", value);
  } catch (const ValueError&) {
    say(who, "got", name(std::current_exception()));
  } catch (const CancelledError&) {
    say(who, "got", name(std::current_exception()));
  }
}

Coroutine<> nothing() { co_return; }

}  // namespace

PARITY(a_task_begins_when_others_pause) {
  auto task = create_task(count("task", 0));
  say("created, done", task.done());
  co_await sleep(0s);
  say("a round later, done", task.done());
}

PARITY(they_begin_in_the_order_of_their_creation) {
  auto first = create_task(count("first", 0));
  auto second = create_task(count("second", 0));
  auto third = create_task(count("third", 0));
  co_await third;
  say(first.done(), second.done(), third.done());
}

PARITY(they_take_turns) {
  auto first = create_task(count("first", 3));
  auto second = create_task(count("second", 1));
  auto third = create_task(count("third", 2));
  co_await first;
  co_await second;
  co_await third;
}

PARITY(an_awaited_coroutine_takes_no_turns) {
  auto task = create_task(count("task", 1));
  co_await count("coroutine", 0);
  say("the task has not begun");
  co_await count("coroutine", 2);
  co_await task;
}

namespace {

Coroutine<> parent() {
  say("parent begins");
  auto child = create_task(count("child", 1));
  co_await sleep(0s);
  say("parent goes on");
  co_await child;
  say("parent ends");
}

}  // namespace

PARITY(a_child_queues_behind_the_others) {
  auto first = create_task(parent());
  auto second = create_task(count("other", 3));
  co_await first;
  co_await second;
}

PARITY(awaiting_gives_the_result) {
  auto task = create_task(value_of("task", 1s, 42));
  int value = co_await task;
  say("awaited", value);
  value = co_await task;
  say("awaited again", value);
  say("result", task.result(), name(task.exception()));
}

PARITY(they_sleep_at_the_same_time) {
  auto slow = create_task(value_of("slow", 3s, 1));
  auto quick = create_task(value_of("quick", 1s, 2));
  auto middle = create_task(value_of("middle", 2s, 3));
  int total = co_await slow;
  total += co_await quick;
  total += co_await middle;
  say(now(), total);
}

PARITY(those_that_sleep_equally_wake_in_order) {
  auto first = create_task(value_of("first", 1s, 1));
  auto second = create_task(value_of("second", 1s, 2));
  auto third = create_task(value_of("third", 1s, 3));
  co_await third;
  say(first.done(), second.done());
}

PARITY(before_the_end_there_is_no_result) {
  auto task = create_task(value_of("task", 1s, 42));
  say("result raises", raises([&] { return task.result(); }));
  say("exception raises", raises([&] { return task.exception(); }));
  co_await sleep(0s);
  say("result raises", raises([&] { return task.result(); }));
  co_await task;
  say("result", task.result());
}

PARITY(awaiting_a_done_task_does_not_pause) {
  auto task = create_task(count("task", 0));
  co_await sleep(0s);
  auto other = create_task(count("other", 0));
  co_await task;
  say("the other has not begun");
  co_await other;
}

namespace {

Coroutine<> inner(std::string text) {
  say("inner begins");
  co_await fail(text);
  say("never said");
}

Coroutine<> middle(std::string text) {
  const Finally cleanup([] { say("middle cleans up"); });
  co_await inner(text);
}

Coroutine<> outer(std::string text) {
  try {
    co_await middle(text);
  } catch (const ValueError&) {
    say("outer caught", name(std::current_exception()));
    throw KeyError("another");
  }
}

}  // namespace

PARITY(an_exception_climbs_three_levels) {
  try {
    co_await outer("boom");
  } catch (const KeyError&) {
    say("main caught KeyError");
  }
}

namespace {

template <class T>
Coroutine<T> relay(Task<T> task) {
  say("relaying");
  co_return co_await task;
}

}  // namespace

PARITY(an_exception_climbs_three_tasks) {
  auto bottom = create_task(fail("boom"));
  auto middle = create_task(relay(bottom));
  auto top = create_task(relay(middle));
  co_await get("main", top);
  say("bottom", name(bottom.exception()));
  say("middle", name(middle.exception()));
}

PARITY(an_exception_waits_for_whoever_asks) {
  auto task = create_task(fail("boom"));
  co_await sleep(2s);
  say("done", task.done(), "cancelled", task.cancelled());
  say("exception", name(task.exception()));
  co_await get("first", task);
  co_await get("second", task);
}

PARITY(a_failed_task_stops_nobody) {
  auto good = create_task(value_of("good", 2s, 42));
  auto bad = create_task(fail("boom"));
  co_await get("main", good);
  co_await get("main", bad);
}

PARITY(several_may_await_one) {
  auto task = create_task(value_of("task", 1s, 42));
  auto first = create_task(get("first", task));
  auto second = create_task(get("second", task));
  auto third = create_task(get("third", task));
  co_await third;
  say(first.done(), second.done());
}

PARITY(several_may_await_one_that_fails) {
  auto task = create_task(fail("boom"));
  auto first = create_task(get("first", task));
  auto second = create_task(get("second", task));
  co_await second;
  say(first.done(), task.done());
}

PARITY(awaiters_of_two_that_end_in_one_round) {
  auto first = create_task(count("first", 1));
  auto second = create_task(count("second", 1));
  auto of_second = create_task(relay(second));
  auto of_first = create_task(relay(first));
  of_second.add_done_callback([] { say("awaiter of second is done"); });
  of_first.add_done_callback([] { say("awaiter of first is done"); });
  first.add_done_callback([] { say("first is done"); });
  second.add_done_callback([] { say("second is done"); });
  co_await sleep(1s);
}

PARITY(waking_an_awaiter_takes_a_round) {
  auto task = create_task(nothing());
  auto rounds = create_task(count("round", 4));
  co_await task;
  say("main goes on");
  task = create_task(nothing());
  co_await task;
  say("main goes on");
  co_await rounds;
}

PARITY(ending_in_the_round_it_began) {
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 3; ++i) {
    tasks.push_back(create_task(count("task " + std::to_string(i), 0)));
  }
  for (auto& task : tasks) {
    say("awaiting");
    co_await task;
  }
}

PARITY(names) {
  auto first = create_task(nothing(), "first");
  auto second = create_task(nothing());
  auto third = create_task(nothing());
  say(first.get_name());
  say(second.get_name().starts_with("Task-"));
  const int distance = std::stoi(third.get_name().substr(5)) -
                       std::stoi(second.get_name().substr(5));
  say("the next number is", distance, "more");
  second.set_name("renamed");
  co_await second;
  say(second.get_name());
  co_await third;
}

namespace {

Coroutine<> who_am_i() {
  say(current_task().get_name());
  co_await sleep(0s);
  say(current_task().get_name());
}

}  // namespace

PARITY(the_current_task) {
  current_task().set_name("main");
  auto first = create_task(who_am_i(), "first");
  auto second = create_task(who_am_i(), "second");
  co_await who_am_i();
  co_await first;
  co_await second;
  say(current_task().get_name());
}

namespace {

Coroutine<> is_it_me(const std::vector<AnyTask>* holder) {
  say(current_task() == holder->at(0));
  co_return;
}

}  // namespace

PARITY(the_current_task_is_what_create_task_gave) {
  std::vector<AnyTask> holder;
  holder.push_back(create_task(is_it_me(&holder)));
  co_await is_it_me(&holder);
  co_await sleep(1s);
}

PARITY(a_callback_has_no_current_task) {
  EventLoop& loop = get_running_loop();
  loop.call_soon([] { say("callback", bool(current_task())); });
  co_await sleep(0s);
  say("main", bool(current_task()));
}

namespace {

std::string names_of_all() {
  std::vector<std::string> names;
  for (const AnyTask& task : all_tasks()) {
    names.push_back(task.get_name());
  }
  std::sort(names.begin(), names.end());
  std::string line;
  for (const std::string& each : names) {
    line += (line.empty() ? "" : " ") + each;
  }
  return line;
}

}  // namespace

PARITY(all_tasks_are_those_that_have_not_ended) {
  current_task().set_name("main");
  say(names_of_all());
  auto long_ = create_task(value_of("long", 2s, 1), "long");
  auto short_ = create_task(value_of("short", 1s, 2), "short");
  say(names_of_all());
  co_await short_;
  say(names_of_all());
  co_await long_;
  say(names_of_all());
}

PARITY(a_lost_exception_is_reported) {
  create_task(fail("lost"));
  co_await sleep(2s);
  say("main goes on");
}

PARITY(a_held_exception_is_reported_when_it_is_let_go) {
  std::vector<Task<int>> tasks;
  tasks.push_back(create_task(fail("lost")));
  co_await sleep(2s);
  say("done", tasks[0].done());
  tasks.clear();
  say("dropped");
}

PARITY(an_exception_that_was_asked_for_is_not_reported) {
  {
    auto task = create_task(fail("known"));
    co_await sleep(2s);
    say(name(task.exception()));
  }
  auto task = create_task(nothing());
  co_await task;
  say("dropped");
}

namespace {

Coroutine<int> await_self(std::vector<Task<int>>* holder) {
  try {
    co_await holder->at(0);
  } catch (const std::exception&) {
    say("caught RuntimeError");
  }
  co_await sleep(1s);
  co_return 42;
}

}  // namespace

PARITY(a_task_cannot_await_itself) {
  std::vector<Task<int>> holder;
  holder.push_back(create_task(await_self(&holder)));
  const int value = co_await holder[0];
  say(value);
}

PARITY(a_future_of_another_loop_cannot_be_awaited) {
  EventLoop loop;
  Future<int> future(loop);
  try {
    co_await future;
  } catch (const std::exception&) {
    say("caught RuntimeError");
  }
  co_await sleep(1s);
  say("main goes on");
  loop.close();
}

PARITY(a_coroutine_runs_once) {
  auto coroutine = count("coroutine", 1);
  co_await coroutine;
  try {
    co_await coroutine;
  } catch (const std::exception&) {
    say("caught RuntimeError");
  }
}

namespace {

Coroutine<int> depth(int left) {
  if (left == 0) {
    co_await sleep(1s);
    co_return 0;
  }
  co_return 1 + co_await depth(left - 1);
}

}  // namespace

PARITY(many_coroutines_deep) {
  const int reached = co_await depth(200);
  say(now(), reached);
}

namespace {

Coroutine<int> task_depth(int left) {
  if (left == 0) {
    co_await sleep(1s);
    co_return 0;
  }
  auto task = create_task(task_depth(left - 1));
  co_return 1 + co_await task;
}

}  // namespace

PARITY(many_tasks_deep) {
  const int reached = co_await task_depth(200);
  say(now(), reached);
}

namespace {

Coroutine<> produce(Future<int> future) {
  say("producing");
  co_await sleep(1s);
  future.set_result(42);
  say("produced");
}

}  // namespace

PARITY(a_future_between_two_tasks) {
  Future<int> future;
  auto consumer = create_task(get("consumer", future));
  auto producer = create_task(produce(future));
  co_await producer;
  say("the consumer is done", consumer.done());
  co_await consumer;
}

PARITY(ensure_future_of_a_task_is_that_task) {
  auto task = create_task(count("task", 0));
  say(ensure_future(task) == task);
  Future<int> future;
  say(ensure_future(future) == future);
  auto other = ensure_future(count("other", 0));
  say(other.done());
  co_await other;
}

namespace {

Coroutine<> spin(int who, std::vector<int>* log, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    log->push_back(who);
    co_await sleep(0s);
  }
}

}  // namespace

PARITY(a_hundred_take_turns) {
  std::vector<int> log;
  std::vector<int> expected;
  std::vector<Task<void>> tasks;
  for (int i = 0; i < 100; ++i) {
    tasks.push_back(create_task(spin(i, &log, 10)));
  }
  for (auto& task : tasks) {
    co_await task;
  }
  for (int i = 0; i < 1000; ++i) {
    expected.push_back(i % 100);
  }
  say(log.size(), log == expected);
}

PARITY_PLAIN(a_task_needs_a_loop) {
  auto coroutine = nothing();
  say(raises([&] { create_task(std::move(coroutine)); }));
  say(raises([&] { return current_task(); }));
}
