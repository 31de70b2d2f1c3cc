// as_completed(): one result after the other, as they come.
//
// Stage: 07
#include "parity.hpp"

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

template <class T>
Task<T> start(Coroutine<T> coroutine) {
  return create_task(std::move(coroutine));
}

}  // namespace

PARITY(results_come_as_they_are_done) {
  const std::vector tasks{
      start(work("a", 3s, 1)), start(work("b", 1s, 2)),
      start(work("c", 2s, 3))};
  for (auto&& each : as_completed(tasks)) {
    const int result = co_await each;
    say(now(), result);
  }
}

PARITY(an_exception_comes_in_its_turn) {
  const std::vector tasks{
      start(work("a", 3s, 1)), start(fail("b", 2s)), start(work("c", 1s, 3))};
  for (auto&& each : as_completed(tasks)) {
    try {
      const int result = co_await each;
      say(now(), result);
    } catch (const ValueError&) {
      say(now(), name(std::current_exception()));
    }
  }
}

PARITY(a_cancellation_comes_in_its_turn) {
  const std::vector tasks{
      start(work("a", 5s, 1)), start(work("b", 1s, 2)),
      start(work("c", 3s, 3))};
  get_running_loop().call_later(2s, [a = tasks[0]] {
    a.cancel("enough");
  });
  for (auto&& each : as_completed(tasks)) {
    try {
      const int result = co_await each;
      say(now(), result);
    } catch (const CancelledError&) {
      say(now(), name(std::current_exception()));
    }
  }
}

PARITY(what_was_done_before_comes_at_once) {
  const std::vector tasks{start(work("a", 3s, 1)), start(work("b", 1s, 2))};
  co_await sleep(2s);
  for (auto&& each : as_completed(tasks)) {
    const int result = co_await each;
    say(now(), result);
  }
}

PARITY(a_slow_reader_misses_nothing) {
  const std::vector tasks{
      start(work("a", 3s, 1)), start(work("b", 1s, 2)),
      start(work("c", 2s, 3))};
  for (auto&& each : as_completed(tasks)) {
    co_await sleep(2s);
    const int result = co_await each;
    say(now(), result);
  }
}

PARITY(whoever_awaits_first_gets_the_first_result) {
  const std::vector tasks{start(work("a", 2s, 1)), start(work("b", 1s, 2))};
  std::vector<Coroutine<int>> each;
  for (auto&& one : as_completed(tasks)) {
    each.push_back(std::move(one));
  }
  say(each.size());
  const int first = co_await each[1];
  say(now(), "the second of them gave", first);
  const int second = co_await each[0];
  say(now(), "the first of them gave", second);
}

PARITY(after_the_timeout_every_one_left_raises) {
  const std::vector tasks{
      start(work("a", 3s, 1)), start(work("b", 1s, 2)),
      start(work("c", 4s, 3))};
  for (auto&& each : as_completed(tasks, 2s)) {
    try {
      const int result = co_await each;
      say(now(), result);
    } catch (const TimeoutError&) {
      say(now(), "TimeoutError");
    }
  }
  say(tasks[0].done(), tasks[2].done());
  co_await sleep(3s);
  say(now(), tasks[0].result(), tasks[2].result());
}

PARITY(a_timeout_that_is_not_needed_holds_nobody_up) {
  const std::vector tasks{start(work("a", 2s, 1)), start(work("b", 1s, 2))};
  for (auto&& each : as_completed(tasks, 10s)) {
    const int result = co_await each;
    say(now(), result);
  }
  say(now(), "end");
}

PARITY(leaving_early_leaves_the_others_alone) {
  const std::vector tasks{start(work("a", 2s, 1)), start(work("b", 1s, 2))};
  for (auto&& each : as_completed(tasks)) {
    const int result = co_await each;
    say(now(), "the first result is", result);
    break;
  }
  co_await sleep(2s);
  say(now(), tasks[0].done());
}

PARITY(cancelled_it_leaves_the_others_alone) {
  const std::vector tasks{start(work("a", 1s, 1)), start(work("b", 3s, 2))};

  const auto reading = [tasks]() -> Coroutine<> {
    for (auto&& each : as_completed(tasks)) {
      try {
        const int result = co_await each;
        say(now(), result);
      } catch (const CancelledError&) {
        say(now(), name(std::current_exception()));
        throw;
      }
    }
  };

  auto reader = start(reading());
  co_await sleep(2s);
  reader.cancel("enough");
  try {
    co_await reader;
  } catch (const CancelledError&) {
    say(now(), reader.cancelled(), tasks[1].done());
  }
  const int result = co_await tasks[1];
  say(now(), result);
}

PARITY(plain_futures_will_do) {
  auto& loop = get_running_loop();
  auto first = loop.create_future<int>();
  auto second = loop.create_future<int>();
  const std::vector futures{first, second};
  loop.call_later(2s, [first] { first.set_result(1); });
  loop.call_later(1s, [second] { second.set_result(2); });
  for (auto&& each : as_completed(futures)) {
    const int result = co_await each;
    say(now(), result);
  }
}

PARITY(the_same_task_twice_comes_once) {
  auto task = start(work("a", 1s, 1));
  const std::vector tasks{task, task};
  for (auto&& each : as_completed(tasks)) {
    const int result = co_await each;
    say(now(), result);
  }
  say(now(), "end");
}
