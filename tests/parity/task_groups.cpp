// TaskGroup: nobody leaves the block before all children have ended.
//
// Stage: 08
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

/// What is in a group of exceptions, and in the groups in it.
std::string names(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    std::string text;
    for (const std::exception_ptr& each : group.exceptions()) {
      text += (text.empty() ? "" : ", ") + names(each);
    }
    return "[" + text + "]";
  } catch (const TimeoutError&) {
    return "TimeoutError";
  } catch (...) {
    return name(error);
  }
}

Coroutine<int> work(std::string label, Seconds delay, int result = 0) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, "cancelled");
    throw;
  }
  say(now(), label, "done");
  co_return result;
}

Coroutine<> fail(std::string label, Seconds delay) {
  co_await sleep(delay);
  say(now(), label, "fails");
  throw ValueError(label);
}

/// Fails while it cleans up.
Coroutine<> clumsy(std::string label, Seconds delay) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, "fails in its clean-up");
    throw ValueError(label);
  }
}

/// Takes its time to clean up.
Coroutine<> tidy(std::string label, Seconds delay, Seconds clean_up) {
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

PARITY(after_the_block_all_children_are_done) {
  std::vector<Task<int>> tasks;
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    tasks.push_back(group.create_task(work("a", 2s, 1)));
    tasks.push_back(group.create_task(work("b", 1s, 2)));
    say(now(), "the body ends", tasks[0].done(), tasks[1].done());
    co_return;
  };
  co_await async_with(group, body());
  say(now(), tasks[0].result(), tasks[1].result());
}

PARITY(the_body_and_the_children_run_at_the_same_time) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("a", 1s));
    co_await work("body", 2s);
    group.create_task(work("b", 1s));
    say(now(), "the body ends");
  };
  co_await async_with(group, body());
  say(now(), "the block ends");
}

PARITY(a_group_without_children_is_done_at_once) {
  TaskGroup group;
  const auto body = []() -> Coroutine<> {
    say("the body");
    co_return;
  };
  co_await async_with(group, body());
  say(now(), "the block ends");
}

PARITY(the_body_can_await_a_child) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("a", 2s));
    const int result = co_await group.create_task(work("b", 1s, 42));
    say(now(), "the body has", result);
  };
  co_await async_with(group, body());
  say(now(), "the block ends");
}

PARITY(a_child_has_the_name_it_was_given) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    auto child = group.create_task(work("a", 1s), "nameable");
    say(child.get_name());
    co_return;
  };
  co_await async_with(group, body());
}

PARITY(a_cancelled_child_is_no_error) {
  std::vector<Task<int>> tasks;
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    tasks.push_back(group.create_task(work("a", 5s, 1)));
    tasks.push_back(group.create_task(work("b", 2s, 2)));
    co_await sleep(1s);
    tasks[0].cancel();
  };
  co_await async_with(group, body());
  say(now(), tasks[0].cancelled(), tasks[1].result());
}

PARITY(a_failing_child_cancels_its_sibling) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    group.create_task(work("b", 5s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_failing_child_cancels_the_body) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    co_await work("body", 5s);
    say("not reached");
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_sibling_that_is_done_keeps_its_result) {
  std::vector<Task<int>> tasks;
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    tasks.push_back(group.create_task(work("a", 1s, 42)));
    group.create_task(fail("b", 2s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
  say(tasks[0].result());
}

PARITY(a_sibling_that_does_not_mind_ends_as_it_likes) {
  std::vector<Task<int>> tasks;
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    tasks.push_back(group.create_task(stubborn("a", 5s, 42)));
    group.create_task(fail("b", 1s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
  say(tasks[0].cancelled(), tasks[0].result());
}

PARITY(two_that_fail_together_are_both_in_the_group) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    group.create_task(fail("b", 1s));
    co_await work("body", 5s);
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup& error) {
    say(now(), names(std::current_exception()));
    say(error.what());
  }
}

PARITY(one_error_is_a_group_too) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup& error) {
    say(error.what());
  }
}

PARITY(a_failing_body_cancels_the_children) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("a", 5s));
    co_await fail("body", 1s);
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_body_that_fails_at_once_never_starts_the_children) {
  std::vector<Task<int>> tasks;
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    tasks.push_back(group.create_task(work("a", 5s)));
    throw ValueError("body");
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()), tasks[0].cancelled());
  }
}

PARITY(a_sibling_that_fails_in_its_clean_up_is_in_the_group) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    group.create_task(clumsy("b", 5s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_body_that_fails_in_its_clean_up_comes_last) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    co_await clumsy("body", 5s);
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_child_awaited_by_the_body_fails_only_once) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    auto child = group.create_task(fail("a", 1s));
    try {
      co_await child;
    } catch (const ValueError&) {
      say("not reached");
    } catch (const CancelledError&) {
      say(now(), "the body is cancelled first");
      throw;
    }
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_body_that_swallows_the_cancellation_saves_nothing) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      say(now(), "swallowed");
    }
    co_await work("body", 1s);
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_keyboard_interrupt_of_the_body_is_not_wrapped) {
  const auto interrupted = []() -> Coroutine<> {
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      throw KeyboardInterrupt();
    }
  };

  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    co_await interrupted();
  };
  try {
    co_await async_with(group, body());
  } catch (const KeyboardInterrupt&) {
    say(now(), "KeyboardInterrupt");
  }
}

PARITY(the_block_waits_for_the_clean_up) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    group.create_task(tidy("b", 5s, 2s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(whoever_failed_is_not_left_cancelled) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    try {
      co_await sleep(10s);
    } catch (const CancelledError&) {
      say(now(), current_task().cancelling());
      throw;
    }
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
  say(current_task().cancelling());
  co_await sleep(1s);
  say(now(), "end");
}

PARITY(cancelled_while_it_waits) {
  const auto parent = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work("child", 5s));
      co_return;
    };
    co_await async_with(group, body());
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel("enough");
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(task.cancelled(), task.cancelling());
}

PARITY(cancelled_in_its_body) {
  const auto parent = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(work("child", 5s));
      co_await work("body", 5s);
    };
    co_await async_with(group, body());
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel("enough");
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  say(task.cancelled(), task.cancelling());
}

PARITY(cancelled_an_error_in_the_clean_up_wins) {
  const auto parent = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(clumsy("child", 5s));
      co_return;
    };
    co_await async_with(group, body());
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel();
  try {
    co_await task;
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
  say(task.cancelled(), task.cancelling());
}

PARITY(cancelled_and_then_a_child_fails_during_the_clean_up) {
  const auto parent = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 3s));
      co_await tidy("body", 10s, 5s);
    };
    co_await async_with(group, body());
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel();
  try {
    co_await task;
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
  say(task.cancelled(), task.cancelling());
}

PARITY(cancelled_at_the_moment_a_child_fails) {
  const auto parent = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(fail("child", 1s));
      co_await work("body", 10s);
    };
    try {
      co_await async_with(group, body());
    } catch (const ExceptionGroup&) {
      say(now(), names(std::current_exception()),
          current_task().cancelling());
      throw;
    }
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel();
  try {
    co_await task;
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
  say(task.cancelled());
}

PARITY(cancelled_twice_it_still_waits_for_the_clean_up) {
  const auto parent = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(tidy("child", 10s, 5s));
      co_return;
    };
    co_await async_with(group, body());
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel();
  co_await sleep(1s);
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), "CancelledError", task.cancelling());
  }
}

PARITY(cancelled_a_child_that_does_not_mind_holds_nobody_up) {
  const auto parent = []() -> Coroutine<> {
    TaskGroup group;
    const auto body = [&]() -> Coroutine<> {
      group.create_task(stubborn("child", 5s, 42));
      co_return;
    };
    co_await async_with(group, body());
  };

  auto task = create_task(parent());
  co_await sleep(1s);
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), "CancelledError", task.cancelled());
  }
}

PARITY(nested_an_error_of_the_inner_group_has_two_layers) {
  TaskGroup outer;
  TaskGroup inner;
  const auto inner_body = [&]() -> Coroutine<> {
    inner.create_task(fail("inner child", 1s));
    co_return;
  };
  const auto outer_body = [&]() -> Coroutine<> {
    outer.create_task(work("outer child", 5s));
    co_await async_with(inner, inner_body());
  };
  try {
    co_await async_with(outer, outer_body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(nested_an_error_of_the_outer_group_cancels_the_inner) {
  TaskGroup outer;
  TaskGroup inner;
  const auto inner_body = [&]() -> Coroutine<> {
    inner.create_task(work("inner child", 5s));
    co_return;
  };
  const auto outer_body = [&]() -> Coroutine<> {
    outer.create_task(fail("outer child", 1s));
    co_await async_with(inner, inner_body());
  };
  try {
    co_await async_with(outer, outer_body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(nested_both_groups_have_an_error) {
  TaskGroup outer;
  TaskGroup inner;
  const auto inner_body = [&]() -> Coroutine<> {
    inner.create_task(clumsy("inner child", 5s));
    co_return;
  };
  const auto outer_body = [&]() -> Coroutine<> {
    outer.create_task(fail("outer child", 1s));
    co_await async_with(inner, inner_body());
  };
  try {
    co_await async_with(outer, outer_body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
  say(current_task().cancelling());
}

PARITY(nested_the_inner_error_can_be_caught) {
  TaskGroup outer;
  TaskGroup inner;
  const auto inner_body = [&]() -> Coroutine<> {
    inner.create_task(fail("inner child", 1s));
    co_await work("inner body", 5s);
  };
  const auto outer_body = [&]() -> Coroutine<> {
    outer.create_task(work("outer child", 3s));
    try {
      co_await async_with(inner, inner_body());
    } catch (const ExceptionGroup&) {
      say(now(), names(std::current_exception()));
    }
    co_await work("outer body", 1s);
  };
  co_await async_with(outer, outer_body());
  say(now(), "the outer block ends");
}

PARITY(a_child_may_have_a_group_of_its_own) {
  const auto child = []() -> Coroutine<> {
    TaskGroup inner;
    const auto body = [&]() -> Coroutine<> {
      inner.create_task(fail("grandchild", 1s));
      co_return;
    };
    co_await async_with(inner, body());
  };

  TaskGroup outer;
  const auto body = [&]() -> Coroutine<> {
    outer.create_task(child());
    outer.create_task(work("sibling", 5s));
    co_return;
  };
  try {
    co_await async_with(outer, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_child_can_create_another) {
  TaskGroup group;
  const auto child = [&]() -> Coroutine<> {
    co_await work("child", 1s);
    group.create_task(work("another", 2s));
  };
  const auto body = [&]() -> Coroutine<> {
    group.create_task(child());
    say(now(), "the body ends");
    co_return;
  };
  co_await async_with(group, body());
  say(now(), "the block ends");
}

PARITY(before_the_block_create_task_is_an_error) {
  TaskGroup group;
  try {
    group.create_task(work("a", 1s));
  } catch (const std::exception&) {
    say("not yet");
  }
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("b", 1s));
    co_return;
  };
  co_await async_with(group, body());
}

PARITY(after_the_block_create_task_is_an_error) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("a", 1s));
    co_return;
  };
  co_await async_with(group, body());
  try {
    group.create_task(work("b", 1s));
  } catch (const std::exception&) {
    say(now(), "no more");
  }
}

PARITY(while_it_shuts_down_create_task_is_an_error) {
  TaskGroup group;

  const auto child = [&]() -> Coroutine<> {
    try {
      co_await sleep(5s);
    } catch (const CancelledError&) {
      try {
        group.create_task(work("another", 1s));
      } catch (const std::exception&) {
        say(now(), "no more");
      }
      throw;
    }
  };

  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    group.create_task(child());
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(it_is_good_for_one_block) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("a", 1s));
    co_return;
  };
  co_await async_with(group, body());
  const auto again = []() -> Coroutine<> {
    say("not reached");
    co_return;
  };
  try {
    co_await async_with(group, again());
  } catch (const std::exception&) {
    say(now(), "not again");
  }
}

PARITY(a_group_inside_a_timeout) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("a", 1s));
    group.create_task(work("b", 5s));
    co_return;
  };
  try {
    co_await async_with(timeout(2s), async_with(group, body()));
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError", current_task().cancelling());
  }
}

PARITY(a_group_that_fails_inside_a_timeout) {
  auto limit = timeout(2s);
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("a", 1s));
    group.create_task(work("b", 5s));
    co_return;
  };
  try {
    co_await async_with(limit, async_with(group, body()));
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()), limit.expired());
  }
}

PARITY(a_child_that_fails_because_of_the_timeout_around) {
  auto limit = timeout(1s);
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(clumsy("a", 5s));
    co_return;
  };
  try {
    co_await async_with(limit, async_with(group, body()));
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()), limit.expired());
  }
  say(current_task().cancelling());
}

PARITY(a_timeout_inside_the_body) {
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(work("child", 3s));
    try {
      co_await async_with(timeout(1s), work("body", 5s));
    } catch (const TimeoutError&) {
      say(now(), "TimeoutError");
    }
  };
  co_await async_with(group, body());
  say(now(), "the block ends");
}

PARITY(a_timeout_inside_a_child_is_an_error_of_the_group) {
  const auto child = []() -> Coroutine<> {
    co_await async_with(timeout(1s), work("child", 5s));
  };

  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(child());
    group.create_task(work("sibling", 3s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

PARITY(a_failing_child_ends_a_timeout_in_the_body_too) {
  auto limit = timeout(3s);
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(fail("child", 1s));
    co_await async_with(limit, work("body", 5s));
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()), limit.expired());
  }
}

PARITY(a_child_that_gathers_is_cancelled_with_all_it_gathers) {
  const auto child = []() -> Coroutine<> {
    co_await gather(work("a", 5s), work("b", 5s));
  };

  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(child());
    group.create_task(fail("sibling", 1s));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say(now(), names(std::current_exception()));
  }
}

namespace {

Coroutine<> holds(TaskGroup* group) {
  const auto body = []() -> Coroutine<> { co_await sleep(2s); };
  co_await async_with(*group, body());
}

}  // namespace

PARITY_PLAIN(a_child_from_between_two_runs_is_of_the_parents_loop) {
  EventLoop loop;
  prepare(loop);
  TaskGroup group;
  const auto parent = create_task(holds(&group), loop);
  loop.call_later(1s, [&] { loop.stop(); });
  loop.run_forever();
  const auto child = group.create_task(sleep(3s));
  loop.run_until_complete(parent);
  char time[32];
  std::snprintf(time, sizeof time, "%.1f", loop.time().count());
  say(child.done(), time);
  loop.close();
}
