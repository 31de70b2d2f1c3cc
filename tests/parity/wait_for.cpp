// wait_for(): one awaitable, and only so much time for it.
//
// Stage: 07
#include "parity.hpp"

#include <optional>

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<int> work(std::string label, Seconds delay, int result) {
  say(now(), label, "starts");
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
  throw ValueError(label);
}

/// Takes a cancellation for an answer.
Coroutine<int> stubborn(std::string label, Seconds delay) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, "does not mind");
    co_return -1;
  }
  co_return 1;
}

/// Takes its time to clean up.
Coroutine<int> tidy(std::string label, Seconds delay, Seconds clean_up) {
  std::exception_ptr cancelled;
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  if (cancelled) {
    say(now(), label, "cleans up");
    co_await sleep(clean_up);
    say(now(), label, "is clean");
    std::rethrow_exception(cancelled);
  }
  co_return 1;
}

/// Fails while it cleans up.
Coroutine<int> clumsy(std::string label, Seconds delay) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    throw ValueError(label);
  }
  co_return 1;
}

}  // namespace

PARITY(in_time_it_gives_the_result) {
  const int result = co_await wait_for(work("a", 1s, 42), 2s);
  say(now(), result);
}

PARITY(in_time_it_raises_what_the_inner_raises) {
  try {
    co_await wait_for(fail("a", 1s), 2s);
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
}

PARITY(late_it_cancels_and_raises) {
  auto task = create_task(work("a", 2s, 42));
  try {
    co_await wait_for(task, 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  say(task.done(), task.cancelled());
}

PARITY(a_late_coroutine_is_cancelled_too) {
  try {
    co_await wait_for(work("a", 2s, 42), 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  co_await sleep(2s);
  say(now(), "end");
}

PARITY(a_late_future_is_cancelled_too) {
  auto future = get_running_loop().create_future<int>();
  try {
    co_await wait_for(future, 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  say(future.cancelled());
}

PARITY(without_a_timeout_it_waits_for_ever) {
  const int result = co_await wait_for(work("a", 1000s, 42), std::nullopt);
  say(now(), result);
}

PARITY(a_timeout_of_zero_does_not_even_start_a_coroutine) {
  try {
    co_await wait_for(work("a", 1s, 42), 0s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(a_timeout_of_zero_takes_what_is_done) {
  auto future = get_running_loop().create_future<int>();
  future.set_result(42);
  const int result = co_await wait_for(future, 0s);
  say(now(), result);
}

PARITY(a_timeout_of_zero_cancels_what_runs) {
  auto task = create_task(work("a", 10s, 42));
  co_await sleep(1s);
  try {
    co_await wait_for(task, 0s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", task.cancelled());
  }
}

PARITY(a_negative_timeout_is_as_good_as_zero) {
  auto task = create_task(work("a", 10s, 42));
  co_await sleep(1s);
  try {
    co_await wait_for(task, -1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", task.cancelled());
  }
}

PARITY(a_timeout_of_zero_waits_for_the_clean_up) {
  auto task = create_task(tidy("a", 10s, 2s));
  co_await sleep(1s);
  try {
    co_await wait_for(task, 0s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", task.cancelled());
  }
}

PARITY(an_inner_that_swallows_the_cancellation_gives_its_result) {
  const int result = co_await wait_for(stubborn("a", 10s), 1s);
  say(now(), result);
}

PARITY(an_inner_that_fails_in_its_clean_up_raises_that) {
  try {
    co_await wait_for(clumsy("a", 10s), 1s);
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
}

PARITY(it_waits_for_the_clean_up) {
  try {
    co_await wait_for(tidy("a", 10s, 2s), 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(cancelled_it_cancels_the_inner) {
  auto inner = create_task(work("inner", 10s, 42));
  auto outer = create_task(wait_for(inner, 5s));
  co_await sleep(1s);
  outer.cancel("enough");
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(outer.cancelled(), inner.cancelled());
}

PARITY(cancelled_without_a_timeout_it_passes_the_message_on) {
  auto inner = create_task(work("inner", 10s, 42));
  auto outer = create_task(wait_for(inner, std::nullopt));
  co_await sleep(1s);
  outer.cancel("enough");
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(outer.cancelled(), inner.cancelled());
}

PARITY(cancelled_it_waits_for_the_clean_up) {
  auto outer = create_task(wait_for(tidy("inner", 10s, 2s), 5s));
  co_await sleep(1s);
  outer.cancel();
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), "CancelledError", outer.cancelled());
  }
}

PARITY(cancelled_before_it_began_it_leaves_the_inner_alone) {
  auto inner = create_task(work("inner", 1s, 42));
  auto outer = create_task(wait_for(inner, 5s));
  outer.cancel();
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), "CancelledError", outer.cancelled());
  }
  const int result = co_await inner;
  say(now(), result);
}

PARITY(cancelled_during_the_clean_up_it_no_longer_waits) {
  auto inner = create_task(tidy("inner", 10s, 4s));
  auto outer = create_task(wait_for(inner, 1s));
  co_await sleep(2s);
  outer.cancel();
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), "CancelledError", outer.cancelled(), inner.done());
  }
  co_await sleep(5s);
  say(now(), inner.cancelled());
}

PARITY(somebody_else_cancels_the_inner) {
  auto inner = create_task(work("inner", 10s, 42));
  get_running_loop().call_later(1s, [inner] {
    inner.cancel("somebody");
  });
  try {
    co_await wait_for(inner, 5s);
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
}

PARITY(timeout_and_inner_due_together_the_timeout_was_first) {
  try {
    co_await wait_for(work("a", 1s, 42), 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(timeout_and_inner_due_together_the_inner_was_first) {
  auto task = create_task(work("a", 1s, 42));
  co_await sleep(0s);
  const int result = co_await wait_for(task, 1s);
  say(now(), result);
}

PARITY(a_result_and_a_cancellation_together_the_result_wins) {
  auto future = get_running_loop().create_future<int>();
  auto outer = create_task(wait_for(future, 5s));
  co_await sleep(1s);
  future.set_result(42);
  say(outer.cancel());
  const int result = co_await outer;
  say(now(), result, outer.cancelled());
}

PARITY(shielded_the_inner_goes_on) {
  auto inner = create_task(work("inner", 2s, 42));
  try {
    co_await wait_for(shield(inner), 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", inner.done());
  }
  const int result = co_await inner;
  say(now(), result);
}

PARITY(one_in_another_the_shorter_timeout_counts) {
  try {
    co_await wait_for(wait_for(work("a", 10s, 42), 1s), 5s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  try {
    co_await wait_for(wait_for(work("b", 10s, 42), 5s), 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}
