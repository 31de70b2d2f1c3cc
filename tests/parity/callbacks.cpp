// Callbacks: what the loop calls, and in which order.
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

Coroutine<> get(std::string who, Future<int> future) {
  try {
    const int value = co_await future;
    say(who, "got", value);
  } catch (const ValueError&) {
    say(who, "got", name(std::current_exception()));
  }
}

Coroutine<> count(std::string who, int rounds) {
  for (int i = 0; i < rounds; ++i) {
    say(who, i);
    co_await sleep(0s);
  }
  say(who, "ends");
}

Coroutine<> nothing() { co_return; }

Coroutine<> fail(std::string text) {
  throw ValueError(text);
  co_return;
}

void fails(std::string text) { throw ValueError(text); }

}  // namespace

// ---- call_soon and call_later ---------------------------------------------

PARITY_PLAIN(soon_is_first_in_first_out) {
  EventLoop loop;
  prepare(loop);
  loop.call_soon([] { say("first"); });
  loop.call_soon([] { say("second"); });
  loop.call_soon([&] { loop.stop(); });
  loop.call_soon([] { say("third"); });
  loop.run_forever();
  loop.close();
}

namespace {

void again(EventLoop& loop, int left) {
  say("left", left);
  if (left > 0) {
    loop.call_soon([&loop, left] { again(loop, left - 1); });
  }
}

}  // namespace

PARITY_PLAIN(soon_means_the_next_round) {
  EventLoop loop;
  prepare(loop);
  loop.call_soon([&] { again(loop, 3); });
  loop.call_soon([] { say("another"); });
  loop.call_soon([&] { loop.call_soon([] { say("a round later"); }); });
  loop.call_later(1s, [&] { loop.stop(); });
  loop.run_forever();
  loop.close();
}

PARITY(later_in_the_order_of_their_times) {
  EventLoop& loop = get_running_loop();
  loop.call_later(3s, [] { say(now(), "three"); });
  loop.call_later(1s, [] { say(now(), "one"); });
  loop.call_at(2s, [] { say(now(), "two"); });
  loop.call_later(2s, [] { say(now(), "two, too"); });
  co_await sleep(4s);
  say(now(), "main");
}

PARITY(later_than_nothing_comes_after_what_is_due) {
  EventLoop& loop = get_running_loop();
  loop.call_later(0s, [] { say("later"); });
  loop.call_soon([] { say("soon"); });
  loop.call_at(-1s, [] { say("a time that has passed"); });
  loop.call_soon([] { say("soon"); });
  co_await sleep(0s);
  say("main goes on");
  co_await sleep(1s);
}

namespace {

void count_down(int left) {
  say(now(), left);
  if (left > 0) {
    EventLoop& loop = get_running_loop();
    loop.call_later(1s, [=] { count_down(left - 1); });
  }
}

}  // namespace

PARITY(a_timer_that_sets_the_next_timer) {
  count_down(3);
  co_await sleep(10s);
}

namespace {

Coroutine<> sleeper() {
  co_await sleep(1s);
  say("sleeper");
}

}  // namespace

PARITY(a_timer_comes_before_a_sleeper_of_the_same_time) {
  EventLoop& loop = get_running_loop();
  create_task(sleeper());
  co_await sleep(0s);
  loop.call_later(1s, [] { say("timer"); });
  co_await sleep(2s);
}

PARITY(what_is_cancelled_is_not_called) {
  EventLoop& loop = get_running_loop();
  auto handle = loop.call_soon([] { say("never said"); });
  auto timer = loop.call_later(1s, [] { say("never said"); });
  say("when", timer.when().count(), "cancelled", timer.cancelled());
  loop.call_soon([] { say("said"); });
  handle.cancel();
  timer.cancel();
  timer.cancel();
  say("cancelled", timer.cancelled());
  co_await sleep(2s);
}

PARITY(cancelled_by_an_earlier_one_of_the_same_round) {
  EventLoop& loop = get_running_loop();
  Handle handle;
  TimerHandle timer;
  loop.call_soon([&] { handle.cancel(); });
  handle = loop.call_soon([] { say("never said"); });
  loop.call_later(1s, [&] { timer.cancel(); });
  timer = loop.call_later(1s, [] { say("never said"); });
  loop.call_later(1s, [] { say("said"); });
  co_await sleep(2s);
}

PARITY(cancelling_when_it_was_called_does_nothing) {
  EventLoop& loop = get_running_loop();
  auto handle = loop.call_soon([] { say("called"); });
  auto timer = loop.call_later(1s, [] { say("called"); });
  co_await sleep(2s);
  handle.cancel();
  timer.cancel();
  say("still here");
}

PARITY_PLAIN(a_cancelled_timer_takes_no_time) {
  EventLoop loop;
  prepare(loop);
  auto timer = loop.call_later(10s, [] { say("never said"); });
  loop.call_later(20s, [&] { loop.stop(); });
  loop.call_later(1s, [&] { timer.cancel(); });
  loop.call_later(2s, [] { say(now()); });
  loop.run_forever();
  say(loop.time().count());
  loop.close();
}

// ---- Done callbacks -------------------------------------------------------

PARITY(callbacks_and_awaiters_in_one_queue) {
  Future<int> future;
  future.add_done_callback([] { say("callback 1"); });
  create_task(get("awaiter 1", future));
  co_await sleep(0s);
  future.add_done_callback([] { say("callback 2"); });
  create_task(get("awaiter 2", future));
  co_await sleep(0s);
  future.add_done_callback([] { say("callback 3"); });
  future.set_result(42);
  get_running_loop().call_soon([] { say("call_soon"); });
  co_await sleep(1s);
}

PARITY(of_a_task_in_the_round_after_its_end) {
  auto task = create_task(count("task", 1));
  task.add_done_callback([](Future<> f) { say("done", f.done()); });
  auto other = create_task(count("other", 3));
  co_await other;
}

PARITY(added_to_a_task_that_has_ended) {
  auto task = create_task(count("task", 0));
  co_await task;
  task.add_done_callback([] { say("called"); });
  say("added");
  co_await sleep(0s);
  say("a round later");
}

PARITY(removed_from_a_task) {
  auto task = create_task(count("task", 0));
  const auto callback = task.add_done_callback([] { say("never said"); });
  task.add_done_callback([] { say("said"); });
  say("removed", task.remove_done_callback(callback));
  co_await task;
}

PARITY(one_that_starts_a_task) {
  auto task = create_task(count("first", 0));
  task.add_done_callback([] { create_task(count("second", 1)); });
  co_await task;
  say("main goes on");
  co_await sleep(1s);
}

PARITY(one_that_sets_another_future) {
  Future<int> first;
  Future<int> second;
  first.add_done_callback([=](Future<int> f) {
    second.set_result(f.result() + 1);
  });
  create_task(get("first", first));
  create_task(get("second", second));
  co_await sleep(0s);
  first.set_result(42);
  co_await sleep(1s);
}

PARITY(a_call_from_a_task_comes_before_its_next_step) {
  EventLoop& loop = get_running_loop();
  for (int i = 0; i < 3; ++i) {
    loop.call_soon([] { say("callback"); });
    co_await sleep(0s);
    say("main", i);
  }
}

// ---- Exceptions -----------------------------------------------------------

PARITY(an_exception_in_a_callback_is_reported) {
  EventLoop& loop = get_running_loop();
  loop.call_soon([] { fails("soon"); });
  loop.call_soon([] { say("the next one"); });
  loop.call_later(1s, [] { fails("later"); });
  loop.call_later(2s, [] { say("the next one"); });
  co_await sleep(3s);
}

namespace {

void cancels() { throw CancelledError("by hand"); }

}  // namespace

PARITY(so_is_a_cancelled_error) {
  get_running_loop().call_soon([] { cancels(); });
  co_await sleep(1s);
  say("main goes on");
}

PARITY(an_exception_in_a_done_callback_is_reported) {
  auto task = create_task(count("task", 0));
  task.add_done_callback([] { fails("in a callback"); });
  task.add_done_callback([] { say("the next one"); });
  co_await task;
  say("main goes on");
}

PARITY(a_callback_that_asks_keeps_the_task_from_being_reported) {
  auto task = create_task(fail("asked for"));
  task.add_done_callback([](Future<> f) {
    say("callback", name(f.exception()));
  });
  co_await sleep(1s);
  task = create_task(fail("lost"));
  task.add_done_callback([](Future<> f) { say("callback", f.done()); });
  task = create_task(nothing());
  co_await sleep(1s);
  say("main goes on");
}

PARITY(a_callback_that_raises_what_the_task_raised) {
  auto task = create_task(fail("boom"));
  task.add_done_callback([](Future<> f) { f.result(); });
  co_await sleep(1s);
  say("main goes on");
}

// ---- Descriptors ----------------------------------------------------------

namespace {

std::pair<Socket, Socket> pair() {
  const auto [left, right] = stream_pair();
  return {Socket(left), Socket(right)};
}

}  // namespace

PARITY(a_reader_is_called_until_it_is_removed) {
  EventLoop& loop = get_running_loop();
  auto [left, right] = pair();
  const int fd = right;
  int calls = 0;
  const auto reader = [&] {
    ++calls;
    say("can be read", calls);
    if (calls == 3) {
      say("removed", loop.remove_reader(fd));
      say("removed", loop.remove_reader(fd));
    }
  };
  loop.add_reader(fd, reader);
  co_await sleep(1s);
  ::send(left, "hello", 5, 0);
  co_await sleep(1s);
  left.close();
  right.close();
}

PARITY(a_second_reader_replaces_the_first) {
  EventLoop& loop = get_running_loop();
  auto [left, right] = pair();
  const int fd = right;
  const auto reader = [&] {
    say("second");
    loop.remove_reader(fd);
  };
  loop.add_reader(fd, [] { say("first"); });
  loop.add_reader(fd, reader);
  ::send(left, "hello", 5, 0);
  co_await sleep(1s);
  left.close();
  right.close();
}

PARITY(a_reader_and_a_writer_do_not_know_each_other) {
  EventLoop& loop = get_running_loop();
  auto [left, right] = pair();
  const int fd = right;
  const auto reader = [&] {
    say("can be read", try_recv(fd, 100).value());
    loop.remove_reader(fd);
  };
  const auto writer = [&] {
    say("can be written");
    say("removed", loop.remove_writer(fd));
  };
  loop.add_reader(fd, reader);
  loop.add_writer(fd, writer);
  co_await sleep(1s);
  ::send(left, "hello", 5, 0);
  co_await sleep(1s);
  say("removed", loop.remove_reader(fd), loop.remove_writer(fd));
  left.close();
  right.close();
}

// ---- stop -----------------------------------------------------------------

PARITY_PLAIN(stop_lets_the_round_end) {
  EventLoop loop;
  prepare(loop);
  loop.call_soon([] { say("before"); });
  loop.call_soon([&] { loop.stop(); });
  loop.call_soon([&] { loop.call_soon([] { say("next round"); }); });
  loop.call_soon([] { say("after"); });
  loop.run_forever();
  say("stopped", loop.is_running());
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  say("stopped again");
  loop.close();
}

PARITY_PLAIN(stop_before_it_runs_leaves_one_round) {
  EventLoop loop;
  prepare(loop);
  loop.stop();
  loop.call_soon([] { say("called"); });
  loop.call_soon([&] { loop.call_soon([] { say("never said"); }); });
  loop.call_later(1s, [] { say("never said"); });
  loop.run_forever();
  say("stopped");
  loop.close();
}

PARITY_PLAIN(stop_twice_is_once) {
  EventLoop loop;
  prepare(loop);
  loop.call_soon([&] { loop.stop(); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  say("stopped");
  loop.call_later(1s, [] { say("runs"); });
  loop.call_later(2s, [&] { loop.stop(); });
  loop.run_forever();
  say("stopped again");
  loop.close();
}

namespace {

Coroutine<> tick(std::string who, int times) {
  for (int i = 0; i < times; ++i) {
    say(now(), who, i);
    co_await sleep(2s);
  }
  say(now(), who, "ends");
}

}  // namespace

PARITY_PLAIN(stop_leaves_tasks_where_they_are) {
  EventLoop loop;
  prepare(loop);
  create_task(tick("task", 3), loop);
  loop.call_later(3s, [&] { loop.stop(); });
  loop.run_forever();
  say("stopped at", loop.time().count());
  loop.call_later(7s, [&] { loop.stop(); });
  loop.run_forever();
  say("stopped at", loop.time().count());
  loop.close();
}

PARITY_PLAIN(it_knows_whether_it_runs) {
  EventLoop loop;
  prepare(loop);
  say("running", loop.is_running(), "closed", loop.is_closed());
  loop.call_soon([&] { say("running", loop.is_running()); });
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  say("running", loop.is_running(), "closed", loop.is_closed());
  loop.close();
  say("running", loop.is_running(), "closed", loop.is_closed());
}
