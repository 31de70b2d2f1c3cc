// timeout(): only so much time for everything in the block.
//
// Stage: 08
#include "parity.hpp"

#include <optional>

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

/// The deadline, or "never".
std::string when(const Timeout& timeout) {
  const std::optional<Seconds> deadline = timeout.when();
  if (!deadline) {
    return "never";
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", deadline->count());
  return text;
}

/// Sleeps, and says so if it is not let.
Coroutine<> patient(std::string label, Seconds delay) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, "cancelled");
    throw;
  }
  say(now(), label, "slept enough");
}

}  // namespace

PARITY(late_the_block_is_cancelled_and_raises) {
  auto limit = timeout(1s);
  const auto body = [&]() -> Coroutine<> {
    say(now(), limit.expired(), when(limit));
    co_await patient("body", 10s);
  };
  try {
    co_await async_with(limit, body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  say(limit.expired(), when(limit));
  say(current_task().cancelling());
}

PARITY(in_time_nothing_happens) {
  auto limit = timeout(2s);
  co_await async_with(limit, patient("body", 1s));
  say(now(), limit.expired(), when(limit));
  co_await sleep(5s);
  say(now(), "end");
}

PARITY(the_block_sees_a_cancellation_and_a_timeout_comes_of_it) {
  const auto body = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      say(now(), name(std::current_exception()));
      say(current_task().cancelling());
      throw;
    }
  };
  try {
    co_await async_with(timeout(1s), body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", current_task().cancelling());
  }
}

PARITY(none_is_no_limit) {
  auto limit = timeout(std::nullopt);
  co_await async_with(limit, patient("body", 1000s));
  say(now(), limit.expired(), when(limit));
}

PARITY(zero_ends_the_block_at_its_first_await) {
  auto limit = timeout(0s);
  const auto body = []() -> Coroutine<> {
    say("the block begins");
    co_await sleep(0s);
    say("not reached");
  };
  try {
    co_await async_with(limit, body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  say(limit.expired(), when(limit));
}

PARITY(zero_does_nothing_to_a_block_without_an_await) {
  auto limit = timeout(0s);
  const auto body = []() -> Coroutine<> {
    say("the block begins and ends");
    co_return;
  };
  co_await async_with(limit, body());
  co_await sleep(0s);
  say(now(), limit.expired(), when(limit));
}

PARITY(a_deadline_in_the_past_is_as_good_as_zero) {
  co_await sleep(5s);
  auto limit = timeout_at(3s);
  try {
    co_await async_with(limit, patient("body", 10s));
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  say(limit.expired(), when(limit));
}

PARITY(the_time_runs_from_the_call_not_from_the_block) {
  auto limit = timeout(2s);
  co_await sleep(1s);
  try {
    co_await async_with(limit, patient("body", 10s));
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(timeout_at_takes_the_clock) {
  auto limit = timeout_at(3s);
  co_await sleep(1s);
  try {
    co_await async_with(limit, patient("body", 10s));
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", when(limit));
  }
}

PARITY(an_exception_of_the_block_comes_through) {
  auto limit = timeout(2s);
  const auto body = []() -> Coroutine<> {
    co_await sleep(1s);
    throw ValueError("body");
  };
  try {
    co_await async_with(limit, body());
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
  say(limit.expired());
}

PARITY(an_exception_in_answer_to_the_timeout_comes_through) {
  auto limit = timeout(1s);
  const auto body = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      throw ValueError("clean-up");
    }
  };
  try {
    co_await async_with(limit, body());
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
  say(limit.expired(), current_task().cancelling());
}

PARITY(a_block_that_swallows_the_cancellation_raises_nothing) {
  auto limit = timeout(1s);
  const auto body = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      say(now(), "swallowed");
    }
  };
  co_await async_with(limit, body());
  say(limit.expired(), current_task().cancelling());
  co_await sleep(1s);
  say(now(), "end");
}

PARITY(it_waits_for_the_clean_up) {
  const auto body = []() -> Coroutine<> {
    std::exception_ptr cancelled;
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    if (cancelled) {
      co_await sleep(2s);
      say(now(), "clean");
      std::rethrow_exception(cancelled);
    }
  };
  try {
    co_await async_with(timeout(1s), body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(a_timeout_in_the_clean_up_has_its_own_time) {
  const auto clean_up = []() -> Coroutine<> {
    try {
      co_await async_with(timeout(1s), patient("clean-up", 10s));
    } catch (const TimeoutError&) {
      say(now(), "clean-up TimeoutError");
    }
  };

  const auto body = [&]() -> Coroutine<> {
    std::exception_ptr cancelled;
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    if (cancelled) {
      co_await clean_up();
      std::rethrow_exception(cancelled);
    }
  };
  try {
    co_await async_with(timeout(1s), body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(nested_the_inner_is_first) {
  auto outer = timeout(3s);
  auto inner = timeout(1s);
  const auto body = [&]() -> Coroutine<> {
    try {
      co_await async_with(inner, patient("inner", 10s));
    } catch (const TimeoutError&) {
      say(now(), "inner TimeoutError");
    }
    co_await patient("outer", 1s);
  };
  co_await async_with(outer, body());
  say(now(), outer.expired(), inner.expired());
}

PARITY(nested_the_outer_is_first) {
  auto outer = timeout(1s);
  auto inner = timeout(3s);
  const auto body = [&]() -> Coroutine<> {
    try {
      co_await async_with(inner, patient("inner", 10s));
    } catch (const TimeoutError&) {
      say("not reached");
    } catch (const CancelledError&) {
      say(now(), "the inner block does not raise TimeoutError");
      throw;
    }
  };
  try {
    co_await async_with(outer, body());
  } catch (const TimeoutError&) {
    say(now(), "outer TimeoutError");
  }
  say(outer.expired(), inner.expired());
}

PARITY(nested_both_at_once_only_the_outer_raises) {
  auto outer = timeout(1s);
  auto inner = timeout(1s);
  const auto body = [&]() -> Coroutine<> {
    try {
      co_await async_with(inner, patient("inner", 10s));
    } catch (const TimeoutError&) {
      say("not reached");
    } catch (const CancelledError&) {
      say(now(), current_task().cancelling());
      throw;
    }
  };
  try {
    co_await async_with(outer, body());
  } catch (const TimeoutError&) {
    say(now(), "outer TimeoutError");
  }
  say(outer.expired(), inner.expired());
  say(current_task().cancelling());
}

PARITY(rescheduled_to_later) {
  auto limit = timeout(2s);
  const auto body = [&]() -> Coroutine<> {
    co_await sleep(1s);
    limit.reschedule(4s);
    say(now(), when(limit));
    co_await patient("body", 10s);
  };
  try {
    co_await async_with(limit, body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(rescheduled_to_earlier) {
  auto limit = timeout(10s);
  const auto body = [&]() -> Coroutine<> {
    co_await sleep(1s);
    limit.reschedule(2s);
    say(now(), when(limit));
    co_await patient("body", 20s);
  };
  try {
    co_await async_with(limit, body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(rescheduled_to_the_past_it_expires_at_the_next_await) {
  auto limit = timeout(10s);
  const auto body = [&]() -> Coroutine<> {
    co_await sleep(2s);
    limit.reschedule(1s);
    say(now(), when(limit), limit.expired());
    co_await patient("body", 20s);
  };
  try {
    co_await async_with(limit, body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
}

PARITY(rescheduled_to_never) {
  auto limit = timeout(2s);
  const auto body = [&]() -> Coroutine<> {
    co_await sleep(1s);
    limit.reschedule(std::nullopt);
    co_await patient("body", 10s);
  };
  co_await async_with(limit, body());
  say(now(), when(limit), limit.expired());
}

PARITY(rescheduled_by_somebody_else) {
  auto limit = timeout(5s);

  const auto impatient = [&]() -> Coroutine<> {
    co_await sleep(1s);
    limit.reschedule(2s);
  };

  auto task = create_task(impatient());
  try {
    co_await async_with(limit, patient("body", 10s));
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  co_await task;
}

PARITY(it_can_be_rescheduled_only_inside_the_block) {
  auto limit = timeout(1s);
  const auto body = [&]() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
    }
    try {
      limit.reschedule(3s);
    } catch (const std::exception&) {
      say("not when it has expired");
    }
  };
  try {
    limit.reschedule(2s);
  } catch (const std::exception&) {
    say("not before");
  }
  try {
    co_await async_with(limit, body());
  } catch (const TimeoutError&) {
    say("not reached");
  }
  try {
    limit.reschedule(4s);
  } catch (const std::exception&) {
    say("not after");
  }
  say(now(), when(limit));
}

PARITY(it_is_good_for_one_block) {
  auto limit = timeout(5s);
  co_await async_with(limit, patient("body", 1s));
  try {
    co_await async_with(limit, patient("not reached", 1s));
  } catch (const std::exception&) {
    say(now(), "not again");
  }
}

PARITY(cancelled_from_outside_it_is_no_timeout) {
  auto limit = timeout(5s);

  const auto limited = [&]() -> Coroutine<> {
    co_await async_with(limit, patient("body", 10s));
  };

  auto task = create_task(limited());
  co_await sleep(1s);
  task.cancel("enough");
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(task.cancelled(), limit.expired());
}

PARITY(cancelled_from_outside_during_the_clean_up) {
  auto limit = timeout(1s);

  const auto body = []() -> Coroutine<> {
    std::exception_ptr cancelled;
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
    if (cancelled) {
      co_await patient("clean-up", 10s);
      std::rethrow_exception(cancelled);
    }
  };
  const auto limited = [&]() -> Coroutine<> {
    co_await async_with(limit, body());
  };

  auto task = create_task(limited());
  co_await sleep(2s);
  task.cancel("enough");
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(task.cancelled(), limit.expired(), task.cancelling());
}

PARITY(cancelled_from_outside_just_before_the_timeout) {
  auto limit = timeout(1s);

  const auto limited = [&]() -> Coroutine<> {
    co_await async_with(limit, patient("body", 10s));
  };

  auto task = create_task(limited());
  get_running_loop().call_later(1s, [task] { task.cancel(); });
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), "CancelledError");
  }
  say(task.cancelled(), limit.expired(), task.cancelling());
}

PARITY(after_a_swallowed_cancellation_it_still_works) {
  const auto limited = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      say(now(), "swallowed", current_task().cancelling());
    }
    try {
      co_await async_with(timeout(1s), patient("body", 10s));
    } catch (const TimeoutError&) {
      say(now(), "TimeoutError", current_task().cancelling());
    }
  };

  auto task = create_task(limited());
  co_await sleep(1s);
  task.cancel();
  co_await task;
  say(now(), task.cancelled());
}

PARITY(a_result_in_the_same_round_as_the_timeout_is_lost) {
  auto& loop = get_running_loop();
  auto future = loop.create_future<int>();
  loop.call_later(1s, [future] { future.set_result(42); });
  const auto body = [&]() -> Coroutine<> {
    const int result = co_await future;
    say("not reached", result);
  };
  try {
    co_await async_with(timeout(1s), body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", future.done());
  }
}

PARITY(the_awaited_task_is_cancelled_with_the_block) {
  auto task = create_task(patient("task", 10s));
  const auto body = [&]() -> Coroutine<> {
    co_await task;
  };
  try {
    co_await async_with(timeout(1s), body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", task.cancelled());
  }
}

PARITY(a_task_that_is_not_awaited_goes_on) {
  auto task = create_task(patient("task", 3s));
  try {
    co_await async_with(timeout(1s), patient("body", 10s));
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", task.done());
  }
  co_await task;
}

PARITY(a_timeout_error_of_the_block_is_not_its_own) {
  auto limit = timeout(5s);
  const auto body = []() -> Coroutine<> {
    co_await wait_for(patient("body", 10s), 1s);
  };
  try {
    co_await async_with(limit, body());
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", limit.expired());
  }
}
