// Futures: a place for a result that is not there yet.
//
// Stage: 05
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

/// Awaits the future, says what came out.
Coroutine<> get(std::string who, Future<int> future) {
  say(who, "awaits");
  try {
    const int value = co_await future;
    say(who, "got", value);
  } catch (const ValueError&) {
    say(who, "got", name(std::current_exception()));
  } catch (const CancelledError&) {
    say(who, "got", name(std::current_exception()));
  }
}

Coroutine<> put(Future<int> future, int value) {
  say("setting", value);
  future.set_result(value);
  say("set", value);
  co_return;
}

Future<int> failed(std::string text) {
  Future<int> future;
  future.set_exception(ValueError(text));
  return future;
}

}  // namespace

PARITY(a_new_one_is_pending) {
  Future<int> future;
  say("done", future.done());
  say("cancelled", future.cancelled());
  say("result raises", raises([&] { return future.result(); }));
  say("exception raises", raises([&] { return future.exception(); }));
  co_return;
}

PARITY(the_result_can_be_asked_for_again) {
  Future<int> future;
  future.set_result(42);
  say("done", future.done(), "cancelled", future.cancelled());
  say("result", future.result());
  say("result", future.result());
  say("exception", name(future.exception()));
  co_return;
}

PARITY(an_exception_is_raised_by_result) {
  Future<int> future = failed("boom");
  say("done", future.done(), "cancelled", future.cancelled());
  say("exception", name(future.exception()));
  for (int i = 0; i < 2; ++i) {
    try {
      future.result();
    } catch (const ValueError&) {
      say("result raises", name(std::current_exception()));
    }
  }
  co_return;
}

PARITY(setting_twice_is_an_error) {
  Future<int> future;
  future.set_result(1);
  say("a result raises", raises([&] { future.set_result(2); }));
  say("an exception raises",
      raises([&] { future.set_exception(ValueError("late")); }));
  say("result", future.result());
  co_return;
}

PARITY(a_result_after_an_exception_is_an_error) {
  Future<int> future = failed("first");
  say("a result raises", raises([&] { future.set_result(2); }));
  say("an exception raises",
      raises([&] { future.set_exception(ValueError("second")); }));
  say("exception", name(future.exception()));
  co_return;
}

PARITY(it_is_cancelled_once) {
  Future<int> future;
  say("cancel", future.cancel());
  say("cancel", future.cancel());
  say("done", future.done(), "cancelled", future.cancelled());
  say("result raises", raises([&] { return future.result(); }));
  say("exception raises", raises([&] { return future.exception(); }));
  co_return;
}

PARITY(what_is_done_cannot_be_cancelled) {
  Future<int> future;
  future.set_result(42);
  bool cancelled = future.cancel();
  say("cancel", cancelled, "cancelled", future.cancelled());
  say("result", future.result());
  future = failed("boom");
  cancelled = future.cancel();
  say("cancel", cancelled, "cancelled", future.cancelled());
  say("exception", name(future.exception()));
  co_return;
}

PARITY(what_is_cancelled_cannot_be_set) {
  Future<int> future;
  future.cancel();
  say("a result raises", raises([&] { future.set_result(1); }));
  say("an exception raises",
      raises([&] { future.set_exception(ValueError("late")); }));
  say("cancelled", future.cancelled());
  co_return;
}

PARITY(the_message_of_cancel_reaches_all_who_ask) {
  Future<int> future;
  future.cancel("no longer needed");
  co_await get("first", future);
  co_await get("second", future);
  try {
    future.exception();
  } catch (const CancelledError&) {
    say("exception raises", name(std::current_exception()));
  }
}

PARITY(awaiting_a_done_one_does_not_pause) {
  Future<int> future;
  future.set_result(42);
  Future<int> other;
  create_task(put(other, 1));
  co_await get("main", future);
  co_await get("main", future);
  say("the other has not run");
  co_await get("main", other);
}

PARITY(awaiting_pauses_until_there_is_a_result) {
  Future<int> future;
  create_task(put(future, 42));
  co_await get("main", future);
}

PARITY(awaiting_gives_the_time_of_the_result) {
  Future<int> future;
  get_running_loop().call_later(5s, [=]() mutable { future.set_result(42); });
  say(now(), "waits");
  co_await get("main", future);
  say(now(), "goes on");
}

PARITY(awaiters_go_on_in_the_order_they_came) {
  Future<int> future;
  create_task(get("first", future));
  create_task(get("second", future));
  create_task(get("third", future));
  co_await sleep(1s);
  co_await put(future, 42);
  co_await sleep(1s);
}

PARITY(all_awaiters_get_the_exception) {
  Future<int> future;
  create_task(get("first", future));
  create_task(get("second", future));
  co_await sleep(1s);
  future.set_exception(ValueError("boom"));
  co_await sleep(1s);
  co_await get("too late", future);
}

PARITY(cancelling_wakes_all_awaiters) {
  Future<int> future;
  create_task(get("first", future));
  create_task(get("second", future));
  co_await sleep(1s);
  say("cancel", future.cancel("enough"));
  say("nobody has run yet");
  co_await sleep(1s);
}

PARITY(an_awaiter_that_comes_late_overtakes) {
  Future<int> future;
  create_task(get("early", future));
  co_await sleep(1s);
  future.set_result(42);
  co_await get("late", future);
  co_await sleep(1s);
}

PARITY(callbacks_are_called_in_order_but_not_at_once) {
  Future<int> future;
  future.add_done_callback([](Future<int> f) { say("first", f.result()); });
  future.add_done_callback([](Future<int> f) { say("second", f.result()); });
  co_await put(future, 42);
  co_await sleep(0s);
  say("a round later");
}

PARITY(callbacks_are_called_whatever_the_end) {
  Future<int> future;
  future.add_done_callback([](Future<int> f) {
    say("exception", name(f.exception()));
  });
  future.set_exception(ValueError("boom"));
  co_await sleep(0s);
  future = Future<int>();
  future.add_done_callback([](Future<int> f) {
    say("cancelled", f.cancelled());
  });
  future.cancel();
  co_await sleep(0s);
}

PARITY(a_callback_added_when_done_is_called_soon) {
  Future<int> future;
  future.set_result(42);
  future.add_done_callback([](Future<int> f) { say("called", f.result()); });
  say("added");
  co_await sleep(0s);
  say("a round later");
}

namespace {

void add_another(Future<int> future) {
  say("first");
  future.add_done_callback([] { say("added by the first"); });
}

}  // namespace

PARITY(a_callback_may_add_another) {
  Future<int> future;
  future.add_done_callback(add_another);
  future.add_done_callback([] { say("second"); });
  future.set_result(42);
  co_await sleep(0s);
  say("a round later");
  co_await sleep(0s);
  say("two rounds later");
}

PARITY(a_removed_callback_is_not_called) {
  Future<int> future;
  const auto first = future.add_done_callback([] { say("first"); });
  future.add_done_callback([] { say("second"); });
  say("removed", future.remove_done_callback(first));
  say("removed", future.remove_done_callback(first));
  future.set_result(42);
  co_await sleep(0s);
}

PARITY(removing_comes_too_late_when_it_is_done) {
  Future<int> future;
  const auto id =
      future.add_done_callback([] { say("called all the same"); });
  future.set_result(42);
  say("removed", future.remove_done_callback(id));
  co_await sleep(0s);
}

namespace {

void fail(Future<int>) { throw ValueError("in a callback"); }

}  // namespace

PARITY(a_callback_that_raises_stops_nobody) {
  Future<int> future;
  create_task(get("awaiter", future));
  co_await sleep(0s);
  future.add_done_callback(fail);
  future.add_done_callback([] { say("the next one"); });
  future.set_result(42);
  co_await sleep(1s);
  say("result", future.result());
}

PARITY(an_exception_that_nobody_asked_for_is_reported) {
  Future<int> future = failed("lost");
  say("done", future.done());
  future = Future<int>();
  say("dropped");
  co_return;
}

PARITY(an_exception_that_was_asked_for_is_not_reported) {
  failed("by exception").exception();
  raises([] { return failed("by result").result(); });
  co_await get("main", failed("by await"));
  // A callback that does not ask is no excuse.
  failed("lost").add_done_callback([](Future<int> f) {
    say("called", f.done());
  });
  say("dropped");
  co_await sleep(0s);
  say("a round later");
}

PARITY(it_is_reported_when_the_last_one_lets_go) {
  std::vector<Future<int>> holders;
  holders.push_back(failed("lost"));
  holders.push_back(holders[0]);
  say("two have it", holders[0] == holders[1]);
  holders.pop_back();
  say("one has it");
  holders.pop_back();
  say("nobody has it");
  co_return;
}

PARITY(a_pending_or_cancelled_one_goes_in_silence) {
  Future<int>{};
  Future<int>().cancel();
  Future<int>().set_result(42);
  say("dropped");
  co_return;
}

PARITY(it_belongs_to_the_running_loop) {
  EventLoop& loop = get_running_loop();
  say(&Future<int>().get_loop() == &loop);
  say(&loop.create_future<int>().get_loop() == &loop);
  EventLoop other;
  say(&Future<int>(other).get_loop() == &other);
  other.close();
  co_return;
}

PARITY(there_need_not_be_a_value) {
  Future<void> future;
  get_running_loop().call_soon([=]() mutable { future.set_result(); });
  say("done", future.done());
  co_await future;
  say("done", future.done());
}

namespace {

/// Answers what comes in its future by setting the other's.
Coroutine<> play(
    std::string who,
    int turns,
    Future<int>* mine,
    Future<int>* other
) {
  for (int i = 0; i < turns; ++i) {
    const int ball = co_await *mine;
    say(who, ball);
    *mine = Future<int>();
    other->set_result(ball + 1);
  }
}

}  // namespace

PARITY(two_coroutines_play_ball) {
  Future<int> ping;
  Future<int> pong;
  create_task(play("ping", 3, &ping, &pong));
  create_task(play("pong", 3, &pong, &ping));
  ping.set_result(1);
  co_await sleep(1s);
  say("the last ball", ping.result());
}

namespace {

void fetch(int key, std::function<void(int)> callback) {
  EventLoop& loop = get_running_loop();
  loop.call_later(2s, [=] { callback(key * 10); });
}

Coroutine<int> fetched(int key) {
  Future<int> future;
  fetch(key, [=](int value) mutable { future.set_result(value); });
  co_return co_await future;
}

}  // namespace

PARITY(a_callback_api_made_awaitable) {
  int value = co_await fetched(1);
  say(now(), value);
  value = co_await fetched(2);
  say(now(), value);
}

PARITY_PLAIN(run_until_complete_gives_the_result) {
  EventLoop loop;
  prepare(loop);
  auto future = loop.create_future<int>();
  loop.call_later(1s, [=]() mutable { future.set_result(42); });
  say(loop.run_until_complete(future));
  say("again", loop.run_until_complete(future));
  future = loop.create_future<int>();
  loop.call_soon([=]() mutable { future.set_exception(ValueError("boom")); });
  say(raises([&] { return loop.run_until_complete(future); }));
  future = loop.create_future<int>();
  loop.call_soon([=]() mutable { future.cancel(); });
  say(raises([&] { return loop.run_until_complete(future); }));
  loop.close();
}

PARITY_PLAIN(a_result_is_shown_as_python_prints_it) {
  EventLoop loop;
  const auto show = [&](auto value) {
    const Future<decltype(value)> future(loop);
    future.set_result(value);
    say(to_string(future));
  };
  const Future<> none(loop);
  none.set_result();
  say(to_string(none));
  show(true);
  show(7);
  show(std::string("text"));
  for (const double number : {1.5, 2.0, -0.1, 9.95, 0.1 + 0.2, 1e-5, 1e100}) {
    show(number);
  }
  loop.close();
}
