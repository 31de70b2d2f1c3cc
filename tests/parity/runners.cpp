// Runners: a loop's life, from the first coroutine to its closing.
//
// Stage: 06
#include <csignal>

#include "parity.hpp"
#include "runners.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<int> value_of(int value) {
  co_await sleep(1s);
  co_return value;
}

Coroutine<> fail(std::string text) {
  co_await sleep(1s);
  throw ValueError(text);
}

Coroutine<> nothing() { co_return; }

Coroutine<> tick(std::string who, int times) {
  for (int i = 0; i < times; ++i) {
    say(now(), who, i);
    co_await sleep(1s);
  }
  say(now(), who, "ends");
}

/// Waits for ever, and takes its time to clean up.
Coroutine<> waits(std::string who, Seconds cleanup) {
  say(who, "waits");
  std::exception_ptr cancelled;
  try {
    co_await sleep(1000s);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  if (cancelled) {
    say(now(), who, "is cancelled");
    co_await sleep(cleanup);
    say(now(), who, "has cleaned up");
    std::rethrow_exception(cancelled);
  }
}

/// Starts them, and gives them time to begin.
template <class... Coroutines>
Coroutine<> start(Coroutines... coroutines) {
  (create_task(std::move(coroutines)), ...);
  co_await sleep(1s);
  say("main ends");
}

}  // namespace

// ---- run ------------------------------------------------------------------

PARITY_PLAIN(run_gives_the_result_of_main) {
  Runner runner;
  prepare(runner.get_loop());
  say(runner.run(value_of(42)));
}

PARITY_PLAIN(run_raises_what_main_raised) {
  Runner runner;
  prepare(runner.get_loop());
  try {
    runner.run(fail("boom"));
  } catch (const ValueError&) {
    say("raised", name(std::current_exception()));
  }
  say("and again", runner.run(value_of(42)));
}

namespace {

Coroutine<> cancels_itself() {
  current_task().cancel("enough");
  co_await sleep(1s);
  say("never said");
}

}  // namespace

PARITY_PLAIN(run_raises_when_main_was_cancelled) {
  Runner runner;
  prepare(runner.get_loop());
  try {
    runner.run(cancels_itself());
  } catch (const CancelledError&) {
    say("raised", name(std::current_exception()));
  }
}

namespace {

Coroutine<> cancels(AnyTask task) {
  co_await sleep(1s);
  task.cancel("from outside");
}

Coroutine<> is_cancelled_by_another() {
  create_task(cancels(current_task()));
  co_await sleep(1000s);
}

}  // namespace

PARITY_PLAIN(run_raises_when_another_cancelled_main) {
  Runner runner;
  prepare(runner.get_loop());
  try {
    runner.run(is_cancelled_by_another());
  } catch (const CancelledError&) {
    say("raised", name(std::current_exception()));
  }
  say("and again", runner.run(value_of(42)));
}

namespace {

Coroutine<> stops() {
  get_running_loop().stop();
  const Finally cleanup([] { say("main cleans up"); });
  co_await sleep(1000s);
}

}  // namespace

PARITY_PLAIN(run_raises_when_somebody_stopped_the_loop) {
  Runner runner;
  prepare(runner.get_loop());
  say("raises", raises([&] { runner.run(stops()); }));
  say("closing");
  runner.close();
  say("closed");
}

namespace {

Coroutine<bool> same_loop(const EventLoop* loop) {
  co_return &get_running_loop() == loop;
}

}  // namespace

PARITY_PLAIN(several_runs_share_the_loop_and_its_clock) {
  Runner runner;
  prepare(runner.get_loop());
  EventLoop& loop = runner.get_loop();
  say("running", loop.is_running());
  say("the same", runner.run(same_loop(&loop)));
  runner.run(tick("first", 2));
  runner.run(tick("second", 2));
}

namespace {

Coroutine<> starts(std::string who) {
  create_task(tick(who, 4));
  co_await sleep(1500ms);
  say(now(), "main ends");
}

Coroutine<> lasts(Seconds delay) {
  say(now(), "main begins");
  co_await sleep(delay);
  say(now(), "main ends");
}

}  // namespace

PARITY_PLAIN(a_task_goes_on_in_the_next_run) {
  Runner runner;
  prepare(runner.get_loop());
  runner.run(starts("task"));
  say("between the runs");
  runner.run(lasts(3s));
}

namespace {

Coroutine<std::string> names_itself() {
  co_return current_task().get_name();
}

}  // namespace

PARITY_PLAIN(main_is_a_task_like_any_other) {
  Runner runner;
  prepare(runner.get_loop());
  const int first = std::stoi(runner.run(names_itself()).substr(5));
  const int second = std::stoi(runner.run(names_itself()).substr(5));
  say("the next number is", second - first, "more");
}

namespace {

Coroutine<> runs_inside() {
  say("run raises", raises([] { asyncio::run(nothing()); }));
  EventLoop& loop = get_running_loop();
  Future<> future;
  say("run_until_complete raises",
      raises([&] { loop.run_until_complete(future); }));
  co_await sleep(1s);
  say(now(), "main goes on");
}

}  // namespace

PARITY_PLAIN(run_inside_of_run_is_an_error) {
  Runner runner;
  prepare(runner.get_loop());
  runner.run(runs_inside());
}

namespace {

Coroutine<> runs_another_loop(EventLoop* other) {
  say("raises", raises([&] { other->run_until_complete(nothing()); }));
  co_return;
}

}  // namespace

PARITY_PLAIN(nor_can_another_loop_run_inside) {
  EventLoop other;
  prepare(other);
  {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(runs_another_loop(&other));
  }
  say("later", other.run_until_complete(value_of(42)));
  other.close();
}

PARITY_PLAIN(a_closed_runner_runs_no_more) {
  Runner runner;
  prepare(runner.get_loop());
  say(runner.run(value_of(42)));
  runner.close();
  runner.close();
  say("raises", raises([&] { runner.run(value_of(43)); }));
}

namespace {

Coroutine<> left_over() {
  const Finally cleanup([] { say("cleaned up"); });
  co_await sleep(1000s);
}

Coroutine<int> leaves_one_behind() {
  create_task(left_over());
  co_await sleep(0s);
  co_return 42;
}

}  // namespace

PARITY_PLAIN(run_by_itself_cleans_up_before_it_returns) {
  // Its loop has a real clock.
  say("returned", asyncio::run(leaves_one_behind()));
}

// ---- What is left over ----------------------------------------------------

PARITY_PLAIN(left_over_tasks_are_cancelled_and_awaited) {
  Runner runner;
  prepare(runner.get_loop());
  runner.run(start(waits("task", 5s)));
  say("closing");
  runner.close();
  say("closed");
}

namespace {

// A finally block that awaits: the exception is noted, and thrown again after
// it.
Coroutine<> cleans_up(std::string who, Seconds delay) {
  std::exception_ptr exception;
  try {
    co_await sleep(1000s);
  } catch (...) {
    exception = std::current_exception();
  }
  co_await sleep(delay);
  say(now(), who, "has cleaned up");
  if (exception) {
    std::rethrow_exception(exception);
  }
}

}  // namespace

PARITY_PLAIN(left_over_tasks_clean_up_at_the_same_time) {
  Runner runner;
  prepare(runner.get_loop());
  runner.run(start(cleans_up("slow", 3s), cleans_up("quick", 1s)));
}

PARITY_PLAIN(they_are_cleaned_up_when_main_has_failed) {
  try {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(start(waits("task", 1s)));
    runner.run(fail("boom"));
    say("never said");
  } catch (const ValueError&) {
    say("raised", name(std::current_exception()));
  }
}

namespace {

Coroutine<> fails_to_clean_up(std::string text) {
  try {
    co_await sleep(1000s);
  } catch (const CancelledError&) {
    throw ValueError(text);
  }
}

}  // namespace

PARITY_PLAIN(an_error_in_their_cleanup_is_reported) {
  {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(start(fails_to_clean_up("boom"), cleans_up("task", 1s)));
  }
  say("closed");
}

namespace {

Coroutine<> never_minds(std::string who) {
  try {
    co_await sleep(1000s);
  } catch (const CancelledError&) {
    say(who, "does not mind");
  }
  co_await sleep(5s);
  say(now(), who, "ends");
}

}  // namespace

PARITY_PLAIN(one_that_does_not_mind_is_awaited_to_its_end) {
  {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(start(never_minds("task")));
  }
  say("closed");
}

namespace {

Coroutine<> joins(Task<> task) {
  const Finally cleanup([] { say("the awaiter cleans up"); });
  co_await task;
}

Coroutine<> leaves_two_behind() {
  auto task = create_task(cleans_up("the awaited", 1s));
  create_task(joins(task));
  co_await sleep(1s);
}

}  // namespace

PARITY_PLAIN(one_that_awaits_another_left_over) {
  {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(leaves_two_behind());
  }
  say("closed");
}

namespace {

// Another finally block that awaits.
Coroutine<> starts_a_task_to_clean_up(std::string who) {
  std::exception_ptr exception;
  try {
    co_await sleep(1000s);
  } catch (...) {
    exception = std::current_exception();
  }
  auto task = create_task(value_of(42));
  const int value = co_await task;
  say(now(), who, "has cleaned up with", value);
  if (exception) {
    std::rethrow_exception(exception);
  }
}

}  // namespace

PARITY_PLAIN(a_cleanup_may_start_a_task_and_await_it) {
  {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(start(starts_a_task_to_clean_up("task")));
  }
  say("closed");
}

namespace {

Coroutine<> starts_another(int left) {
  say("left", left);
  if (left > 0) {
    create_task(starts_another(left - 1));
  }
  co_return;
}

Coroutine<> leaves_a_chain_behind() {
  create_task(starts_another(3));
  co_await sleep(0s);
  say("main ends");
}

}  // namespace

PARITY_PLAIN(one_that_has_not_begun_never_does) {
  {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(leaves_a_chain_behind());
  }
  say("closed");
}

// ---- run_until_complete ---------------------------------------------------

PARITY_PLAIN(until_a_coroutine_is_complete) {
  EventLoop loop;
  prepare(loop);
  say(loop.run_until_complete(value_of(42)));
  try {
    loop.run_until_complete(fail("boom"));
  } catch (const ValueError&) {
    say("raised", name(std::current_exception()));
  }
  loop.close();
}

PARITY_PLAIN(until_a_task_is_complete) {
  EventLoop loop;
  prepare(loop);
  auto task = create_task(value_of(42), loop);
  say("done", task.done());
  say(loop.run_until_complete(task));
  say("done", task.done());
  say("again", loop.run_until_complete(task));
  loop.close();
}

PARITY_PLAIN(the_others_stay_where_they_are) {
  EventLoop loop;
  prepare(loop);
  auto other = create_task(tick("other", 3), loop);
  loop.run_until_complete(lasts(1500ms));
  say("done", other.done());
  loop.run_until_complete(other);
  say("done", other.done());
  loop.close();
}

namespace {

Coroutine<> count(std::string who, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    say(who, i);
    co_await sleep(0s);
  }
  say(who, "ends");
}

}  // namespace

PARITY_PLAIN(the_others_have_a_round_more) {
  EventLoop loop;
  prepare(loop);
  auto other = create_task(count("other", 8), loop);
  loop.run_until_complete(count("main", 2));
  say("between the runs");
  loop.run_until_complete(count("main", 2));
  say("between the runs");
  loop.run_until_complete(other);
  loop.close();
}

PARITY_PLAIN(stopped_before_it_was_complete) {
  EventLoop loop;
  prepare(loop);
  auto task = create_task(value_of(42), loop);
  loop.call_soon([&] { loop.stop(); });
  say("raises", raises([&] { loop.run_until_complete(task); }));
  say("done", task.done());
  say(loop.run_until_complete(task));
  loop.close();
}

// ---- Closing --------------------------------------------------------------

PARITY_PLAIN(closing_drops_a_task_that_never_began) {
  EventLoop loop;
  prepare(loop);
  create_task(tick("task", 10), loop);
  say("closing");
  loop.close();
  say("closed");
}

PARITY_PLAIN(closing_drops_a_task_that_sleeps) {
  EventLoop loop;
  prepare(loop);
  create_task(tick("task", 10), loop);
  loop.run_until_complete(lasts(500ms));
  say("closing");
  loop.close();
  say("closed");
}

PARITY_PLAIN(what_was_to_complete_is_dropped_in_silence) {
  // The error has said it already.
  EventLoop loop;
  prepare(loop);
  loop.call_soon([&] { loop.stop(); });
  say("raises", raises([&] { loop.run_until_complete(lasts(1000s)); }));
  loop.close();
  say("closed");
}

PARITY_PLAIN(closing_drops_callbacks_in_silence) {
  EventLoop loop;
  prepare(loop);
  loop.call_soon([] { say("never said"); });
  loop.call_later(1s, [] { say("never said"); });
  loop.close();
  say("closed", loop.is_closed());
  loop.close();
  say("closed", loop.is_closed());
}

PARITY_PLAIN(a_closed_loop_runs_no_more) {
  EventLoop loop;
  prepare(loop);
  auto future = loop.create_future<int>();
  loop.close();
  say("run_forever raises", raises([&] { loop.run_forever(); }));
  say("run_until_complete raises",
      raises([&] { loop.run_until_complete(future); }));
}

PARITY(a_running_loop_cannot_be_closed) {
  EventLoop& loop = get_running_loop();
  say("raises", raises([&] { loop.close(); }));
  say("closed", loop.is_closed());
  co_await sleep(1s);
  say(now(), "main goes on");
}

// ---- Ctrl-C ---------------------------------------------------------------

namespace {

Coroutine<> interrupted() {
  say("Ctrl-C");
  std::raise(SIGINT);
  std::exception_ptr cancelled;
  try {
    co_await sleep(1000s);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  if (cancelled) {
    say(now(), "main is cancelled");
    co_await sleep(2s);
    say(now(), "main has cleaned up");
    std::rethrow_exception(cancelled);
  }
}

}  // namespace

PARITY_PLAIN(ctrl_c_cancels_main) {
  Runner runner;
  prepare(runner.get_loop());
  try {
    runner.run(interrupted());
  } catch (const KeyboardInterrupt&) {
    say("KeyboardInterrupt");
  }
  say("and again", runner.run(value_of(42)));
}

namespace {

Coroutine<int> stubborn() {
  std::raise(SIGINT);
  try {
    co_await sleep(1000s);
  } catch (const CancelledError&) {
    say("main does not mind");
  }
  co_await sleep(2s);
  co_return 42;
}

}  // namespace

PARITY_PLAIN(ctrl_c_may_be_swallowed) {
  Runner runner;
  prepare(runner.get_loop());
  say("returned", runner.run(stubborn()));
}

namespace {

Coroutine<> fails_when_interrupted() {
  std::raise(SIGINT);
  try {
    co_await sleep(1000s);
  } catch (const CancelledError&) {
    throw ValueError("instead");
  }
}

}  // namespace

PARITY_PLAIN(ctrl_c_may_be_replaced) {
  Runner runner;
  prepare(runner.get_loop());
  try {
    runner.run(fails_when_interrupted());
  } catch (const ValueError&) {
    say("raised", name(std::current_exception()));
  }
}

namespace {

Coroutine<> interrupt_later() {
  co_await sleep(1s);
  say(now(), "Ctrl-C");
  std::raise(SIGINT);
}

Coroutine<> awaits_a_task() {
  create_task(interrupt_later());
  create_task(waits("left over", 1s));
  auto task = create_task(waits("awaited", 2s));
  const Finally cleanup([] { say(now(), "main cleans up"); });
  co_await task;
}

}  // namespace

PARITY_PLAIN(ctrl_c_goes_through_main_first) {
  {
    Runner runner;
    prepare(runner.get_loop());
    try {
      runner.run(awaits_a_task());
    } catch (const KeyboardInterrupt&) {
      say("KeyboardInterrupt");
    }
  }
  say("closed");
}

namespace {

void again(EventLoop& loop, int times) {
  say("called", times);
  loop.call_soon([&loop, times] { again(loop, times + 1); });
}

Coroutine<> leaves_callbacks(bool task) {
  EventLoop& loop = get_running_loop();
  loop.call_soon([&loop] { again(loop, 1); });
  if (task) {
    create_task(sleep(1000s));
    co_await sleep(0s);
  }
  say("main ends");
}

}  // namespace

PARITY_PLAIN(what_is_due_is_called_while_the_runner_closes) {
  for (const bool task : {false, true}) {
    Runner runner;
    prepare(runner.get_loop());
    runner.run(leaves_callbacks(task));
  }
}

PARITY_PLAIN(the_loop_is_made_when_it_is_needed) {
  Runner runner([] {
    say("made");
    return std::make_unique<EventLoop>();
  });
  say("not yet");
  runner.close();
  runner.run(as_coroutine(sleep(0s)));
  runner.run(as_coroutine(sleep(0s)));
  runner.close();
  runner.close();
  say(raises([&] { return &runner.get_loop(); }));
}

namespace {

Coroutine<> closes_its_own(Runner* runner) {
  create_task(waits("left", 2s));
  co_await sleep(0s);
  say(raises([&] {
    runner->close();
    return 0;
  }));
  co_await sleep(0s);
}

}  // namespace

PARITY_PLAIN(a_runner_is_not_closed_while_it_runs) {
  {
    Runner runner;
    prepare(runner.get_loop());
    try {
      runner.run(closes_its_own(&runner));
    } catch (const CancelledError&) {
      say("main was cancelled");
    }
  }
  say("closed");
}

namespace {

Coroutine<> breaks_at_once() {
  throw ValueError("lost");
  co_return;
}

}  // namespace

PARITY_PLAIN(another_error_leaves_a_task_to_be_asked) {
  EventLoop loop;
  prepare(loop);
  {
    const auto task = create_task(breaks_at_once(), loop);
    loop.call_soon([] { throw KeyboardInterrupt(); });
    try {
      loop.run_until_complete(task);
    } catch (const KeyboardInterrupt&) {
      say("KeyboardInterrupt", task.done());
    }
  }
  loop.close();
  say("closed");
}
