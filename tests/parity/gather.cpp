// gather(): many awaitables, one future of all their results.
//
// Stage: 07
#include "parity.hpp"

#include <type_traits>

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<int> work(std::string label, Seconds delay, int result) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, name(std::current_exception()));
    throw;
  }
  say(now(), label, "done");
  co_return result;
}

Coroutine<int> fail(std::string label, Seconds delay) {
  co_await sleep(delay);
  say(now(), label, "fails");
  throw ValueError(label);
}

Coroutine<int> stubborn(std::string label, Seconds delay, int result) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, "does not mind");
  }
  co_return result;
}

}  // namespace

PARITY(results_come_in_the_order_of_the_arguments) {
  const auto [slow, quick] =
      co_await gather(work("slow", 2s, 1), work("quick", 1s, 2));
  say(now(), slow, quick);
}

PARITY(everything_runs_at_the_same_time) {
  std::vector<Coroutine<int>> awaitables;
  for (int i = 0; i < 5; ++i) {
    awaitables.push_back(work("w" + std::to_string(i), Seconds(1 + i), i * i));
  }
  const std::vector<int> results = co_await gather(std::move(awaitables));
  for (const int result : results) {
    say(now(), result);
  }
}

PARITY(the_children_are_scheduled_before_anybody_awaits) {
  auto outer = gather(work("a", 1s, 1), work("b", 2s, 2));
  say("nothing has run", outer.done());
  co_await sleep(3s);
  say(now(), "all is done", outer.done());
  const auto [a, b] = co_await outer;
  say(now(), a, b);
}

PARITY(the_children_start_in_the_order_of_the_arguments) {
  const auto child = [](std::string label) -> Coroutine<std::string> {
    say(label, "starts");
    co_return label;
  };

  std::vector<Coroutine<std::string>> awaitables;
  awaitables.push_back(child("a"));
  awaitables.push_back(child("b"));
  awaitables.push_back(child("c"));
  const auto first = co_await gather(std::move(awaitables));
  say(first[0], first[1], first[2]);
  const auto [d, e, f] = co_await gather(child("d"), child("e"), child("f"));
  say(d, e, f);
}

PARITY(a_child_without_a_result_gives_none) {
  const auto child = []() -> Coroutine<> {
    co_await sleep(1s);
  };

  const auto [nothing, something] =
      co_await gather(child(), work("a", 2s, 42));
  say(std::is_same_v<decltype(nothing), const NoneType>, something);
}

PARITY(futures_tasks_and_coroutines_mix) {
  auto& loop = get_running_loop();
  auto future = loop.create_future<int>();
  auto task = create_task(work("task", 1s, 2));
  loop.call_later(3s, [future] { future.set_result(1); });
  const auto [a, b, c] =
      co_await gather(future, task, work("coroutine", 2s, 3));
  say(now(), a, b, c);
}

PARITY(nothing_to_gather_is_done_at_once) {
  auto outer = gather(std::vector<Coroutine<int>>());
  say(outer.done(), outer.result().size());
  const std::vector<int> results = co_await outer;
  say(now(), results.size());
}

PARITY(the_same_task_twice_is_one_child) {
  auto task = create_task(work("task", 1s, 42));
  const auto [first, second] = co_await gather(task, task);
  say(now(), first, second);
}

PARITY(the_outer_future_is_done_a_round_after_its_last_child) {
  auto& loop = get_running_loop();
  auto future = loop.create_future<int>();
  auto outer = gather(future);
  future.set_result(42);
  say(future.done(), outer.done());
  co_await sleep(0s);
  say(future.done(), outer.done());
  const auto [result] = co_await outer;
  say(result);
}

PARITY(the_first_exception_arrives_and_the_others_go_on) {
  try {
    co_await gather(work("a", 2s, 1), fail("b", 1s));
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
  co_await sleep(2s);
  say(now(), "end");
}

PARITY(a_second_exception_is_not_reported) {
  try {
    co_await gather(fail("a", 1s), fail("b", 2s));
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
  co_await sleep(2s);
  say(now(), "nobody complains");
}

PARITY(only_the_exception_that_arrived_can_be_reported) {
  const auto parent = []() -> Coroutine<> {
    co_await gather(fail("a", 1s), fail("b", 2s));
  };

  create_task(parent());
  co_await sleep(3s);
  say(now(), "end");
}

PARITY(a_forgotten_gather_reports_its_one_exception) {
  gather(fail("a", 1s), fail("b", 2s));
  co_await sleep(3s);
  say(now(), "end");
}

PARITY(return_exceptions_gives_them_as_results) {
  const auto [a, b, c] = co_await gather(
      return_exceptions, fail("a", 2s), work("b", 1s, 2), fail("c", 3s));
  say(now(), name(a.exception));
  say(now(), b.value());
  say(now(), name(c.exception));
}

PARITY(a_cancelled_child_is_an_exception_not_a_cancellation) {
  auto child = create_task(work("child", 2s, 1));
  auto outer = gather(child, work("sibling", 3s, 2));
  co_await sleep(1s);
  child.cancel("enough");
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(outer.done(), outer.cancelled(), name(outer.exception()));
  co_await sleep(3s);
  say(now(), "end");
}

PARITY(return_exceptions_holds_a_cancelled_child_too) {
  auto child = create_task(work("child", 2s, 1));
  get_running_loop().call_later(1s, [child] {
    child.cancel("enough");
  });
  const auto [a, b] =
      co_await gather(return_exceptions, child, work("sibling", 3s, 2));
  say(now(), name(a.exception));
  say(now(), b.value());
}

PARITY(cancelling_the_future_cancels_every_child) {
  auto a = create_task(work("a", 5s, 1));
  auto b = create_task(work("b", 5s, 2));
  auto outer = gather(a, b);
  co_await sleep(1s);
  const bool cancelling = outer.cancel("stop");
  say(now(), cancelling, outer.done());
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(a.cancelled(), b.cancelled(), outer.cancelled());
}

PARITY(cancelling_whoever_awaits_cancels_every_child) {
  const auto parent = []() -> Coroutine<> {
    try {
      co_await gather(work("a", 5s, 1), work("b", 5s, 2));
    } catch (const CancelledError&) {
      say(now(), "parent", name(std::current_exception()));
      throw;
    }
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel("stop");
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), "main", name(std::current_exception()));
  }
  say(task.cancelled());
}

PARITY(cancelled_with_return_exceptions_it_raises_all_the_same) {
  auto outer =
      gather(return_exceptions, work("a", 1s, 1), work("b", 5s, 2));
  co_await sleep(2s);
  outer.cancel("stop");
  try {
    co_await outer;
    say("not reached");
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
}

PARITY(a_cancelled_future_raises_even_if_the_children_do_not_mind) {
  auto outer = gather(stubborn("a", 5s, 1), stubborn("b", 5s, 2));
  co_await sleep(1s);
  say(outer.cancel());
  try {
    co_await outer;
    say("not reached");
  } catch (const CancelledError&) {
    say(now(), "CancelledError", outer.cancelled());
  }
}

PARITY(cancelling_between_the_last_child_and_the_future_is_too_late) {
  auto& loop = get_running_loop();
  auto future = loop.create_future<int>();
  auto outer = gather(future);
  future.set_result(42);
  const bool done = outer.done();
  say(done, outer.cancel());
  const auto [result] = co_await outer;
  say(result, outer.cancelled());
}

PARITY(cancelling_after_an_exception_spares_the_others) {
  auto outer = gather(fail("a", 1s), work("b", 3s, 2));
  try {
    co_await outer;
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
  say(outer.cancel());
  co_await sleep(3s);
  say(now(), "end");
}

PARITY(a_gather_of_gathers_cancels_all_the_way_down) {
  auto inner = gather(work("a", 5s, 1), work("b", 5s, 2));
  auto outer = gather(inner, work("c", 5s, 3));
  co_await sleep(1s);
  outer.cancel("stop");
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(inner.done(), inner.cancelled(), name(inner.exception()));
}

namespace {

Coroutine<> gathers(Coroutine<> one, Coroutine<> two) {
  co_await gather(std::move(one), std::move(two));
}

}  // namespace

PARITY_PLAIN(children_of_a_closed_loop_are_not_reported_one_by_one) {
  EventLoop loop;
  prepare(loop);
  create_task(gathers(as_coroutine(sleep(100s)), as_coroutine(sleep(200s))),
              loop);
  loop.call_later(1s, [&] { loop.stop(); });
  loop.run_forever();
  loop.close();
  say("closed");
}
