// Asynchronous generators: anext(), asend(), athrow(), aclose() and their end.
//
// Stage: 14
#include "async_generator.hpp"
#include "parity.hpp"
#include "queues.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

std::vector<AsyncGenerator<int>> KEPT;

AsyncGenerator<int> count(int limit, Seconds delay = 1s) {
  for (int i = 0; i < limit; ++i) {
    co_await sleep(delay);
    co_yield i;
  }
}

AsyncGenerator<int> plain(int limit) {
  for (int i = 0; i < limit; ++i) {
    co_yield i;
  }
}

AsyncGenerator<int> cleans(std::string label = "clean") {
  std::exception_ptr exception;
  try {
    co_yield 1;
    co_yield 2;
  } catch (...) {
    exception = std::current_exception();
  }
  say(now(), label, "begins");
  co_await sleep(1s);
  say(now(), label, "ends");
  if (exception) {
    std::rethrow_exception(exception);
  }
}

AsyncGenerator<std::string> catches() {
  std::string caught = "nothing";
  while (true) {
    try {
      co_yield caught;
    } catch (const ValueError&) {
      caught = name(std::current_exception());
    }
    co_await sleep(1s);
  }
}

AsyncGenerator<int> returns() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    say("returns");
  }
}

AsyncGenerator<int> fails() {
  try {
    co_yield 1;
  } catch (...) {
  }
  throw ValueError("boom");
}

AsyncGenerator<int> refuses() {
  bool has_to_end = false;
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    has_to_end = true;
  }
  if (has_to_end) {
    co_await sleep(1s);
  }
  co_yield 2;
}

AsyncGenerator<int, int> echoes() {
  int last = 0;
  while (true) {
    const auto received = co_yield last;
    last = received.value_or(0);
    say(now(), "received", last);
    co_await sleep(1s);
  }
}

std::string told(const std::exception_ptr& exception) {
  return is_instance<GeneratorExit>(exception) ? "GeneratorExit"
                                               : name(exception);
}

template <class Label, class T>
Coroutine<> outcome(Label label, Coroutine<std::optional<T>> awaitable) {
  try {
    const auto result = co_await awaitable;
    if (result) {
      say(now(), label, *result);
    } else {
      say(now(), label, "nothing");
    }
  } catch (...) {
    say(now(), label, told(std::current_exception()));
  }
}

Coroutine<> outcome(std::string label, Coroutine<> awaitable) {
  try {
    co_await awaitable;
    say(now(), label, "nothing");
  } catch (...) {
    say(now(), label, told(std::current_exception()));
  }
}

template <class Yield, class Send>
Coroutine<> half(AsyncGenerator<Yield, Send> generator) {
  co_await generator.anext();
}

}  // namespace

PARITY(values_come_in_order) {
  auto numbers = count(3);
  while (const auto i = co_await numbers.anext()) {
    say(now(), *i);
  }
}

PARITY(an_empty_one) {
  auto numbers = count(0);
  while (const auto i = co_await numbers.anext()) {
    say(now(), *i);
  }
  say("over");
}

PARITY(nothing_runs_before_the_first) {
  auto generator = cleans();
  say("made");
  co_await outcome("first", generator.anext());
  co_await generator.aclose();
}

PARITY(after_the_end_there_is_nothing) {
  auto generator = plain(1);
  for (int i = 0; i < 3; ++i) {
    co_await outcome(i, generator.anext());
  }
}

PARITY(an_exception_comes_once) {
  const auto body = []() -> AsyncGenerator<int> {
    co_yield 1;
    co_await sleep(1s);
    throw ValueError("boom");
  };
  auto generator = body();
  for (int i = 0; i < 4; ++i) {
    co_await outcome(i, generator.anext());
  }
}

PARITY(no_round_passes_between_values) {
  get_running_loop().call_soon([] { say("the next round"); });
  auto numbers = plain(3);
  while (const auto i = co_await numbers.anext()) {
    say(*i);
  }
  co_await sleep(0s);
}

PARITY(two_consumers_take_turns) {
  const auto consume = [](std::string label) -> Coroutine<> {
    auto numbers = count(3, 0s);
    while (const auto i = co_await numbers.anext()) {
      say(label, *i);
    }
  };
  co_await gather(consume("a"), consume("b"));
}

PARITY(what_is_sent_is_received) {
  auto generator = echoes();
  co_await outcome("anext", generator.anext());
  co_await outcome("asend", generator.asend(5));
  co_await outcome("asend", generator.asend(6));
  co_await generator.aclose();
}

PARITY(not_to_one_that_has_just_begun) {
  auto generator = echoes();
  try {
    co_await generator.asend(5);
  } catch (const std::logic_error&) {
    say("refused");
  }
  co_await outcome("anext", generator.anext());
  co_await generator.aclose();
}

PARITY(asend_after_the_end) {
  auto generator = echoes();
  co_await half(generator);
  co_await generator.aclose();
  co_await outcome("asend", generator.asend(5));
}

PARITY(what_is_thrown_in_is_caught) {
  auto generator = catches();
  co_await half(generator);
  co_await outcome("athrow", generator.athrow(ValueError("one")));
  co_await outcome("athrow", generator.athrow(ValueError("two")));
  co_await outcome("anext", generator.anext());
  co_await generator.aclose();
}

PARITY(what_is_thrown_in_is_not_caught) {
  auto generator = catches();
  co_await half(generator);
  co_await outcome("athrow", generator.athrow(RuntimeError("one")));
  co_await outcome("anext", generator.anext());
  co_await outcome("athrow", generator.athrow(ValueError("two")));
  co_await outcome("aclose", generator.aclose());
}

PARITY(thrown_in_before_it_begins) {
  auto generator = catches();
  co_await outcome("athrow", generator.athrow(ValueError("one")));
  co_await outcome("anext", generator.anext());
}

PARITY(thrown_in_after_the_end) {
  auto generator = plain(0);
  co_await outcome("anext", generator.anext());
  co_await outcome("athrow", generator.athrow(ValueError("one")));
}

PARITY(generator_exit_thrown_in) {
  auto generator = cleans();
  co_await half(generator);
  co_await outcome("athrow", generator.athrow(GeneratorExit()));
  co_await outcome("anext", generator.anext());
}

PARITY(a_cleanup_awaits_as_an_exception_comes) {
  auto generator = cleans();
  co_await half(generator);
  co_await outcome("athrow", generator.athrow(ValueError("boom")));
}

PARITY(aclose_waits_for_the_cleanup) {
  auto generator = cleans();
  co_await half(generator);
  co_await outcome("aclose", generator.aclose());
  co_await outcome("anext", generator.anext());
}

PARITY(aclose_before_it_begins) {
  auto generator = cleans();
  co_await outcome("aclose", generator.aclose());
  co_await outcome("anext", generator.anext());
}

PARITY(aclose_twice) {
  auto generator = cleans();
  co_await half(generator);
  co_await outcome("aclose", generator.aclose());
  co_await outcome("aclose", generator.aclose());
}

PARITY(aclose_after_the_end) {
  auto generator = plain(0);
  co_await outcome("anext", generator.anext());
  co_await outcome("aclose", generator.aclose());
}

PARITY(aclose_after_an_exception) {
  auto generator = catches();
  co_await half(generator);
  co_await outcome("athrow", generator.athrow(RuntimeError("one")));
  co_await outcome("aclose", generator.aclose());
}

PARITY(aclose_and_the_body_returns) {
  auto generator = returns();
  co_await half(generator);
  co_await outcome("aclose", generator.aclose());
}

PARITY(aclose_and_the_body_fails) {
  auto generator = fails();
  co_await half(generator);
  co_await outcome("aclose", generator.aclose());
  co_await outcome("anext", generator.anext());
}

PARITY(aclose_and_the_body_yields) {
  auto generator = refuses();
  co_await half(generator);
  co_await outcome("aclose", generator.aclose());
  co_await outcome("anext", generator.anext());
}

PARITY(aclose_is_cancelled) {
  auto generator = cleans();
  co_await half(generator);
  const auto task = create_task(outcome("aclose", generator.aclose()));
  co_await sleep(500ms);
  task.cancel();
  co_await task;
}

PARITY(only_one_at_a_time) {
  auto generator = count(2);
  const auto task = create_task(outcome("first", generator.anext()));
  co_await sleep(500ms);
  co_await outcome("anext", generator.anext());
  co_await outcome("asend", generator.asend(None));
  co_await outcome("athrow", generator.athrow(ValueError("one")));
  co_await outcome("aclose", generator.aclose());
  co_await task;
  co_await outcome("again", generator.anext());
}

PARITY(not_while_it_closes) {
  auto generator = cleans();
  co_await half(generator);
  const auto task = create_task(outcome("first", generator.aclose()));
  co_await sleep(500ms);
  co_await outcome("anext", generator.anext());
  co_await outcome("aclose", generator.aclose());
  co_await task;
  co_await outcome("again", generator.anext());
}

PARITY(a_body_that_asks_itself) {
  const auto body = []() -> AsyncGenerator<int> {
    co_await outcome("inside", KEPT[0].anext());
    co_yield 1;
  };
  KEPT.push_back(body());
  co_await outcome("outside", KEPT[0].anext());
  KEPT.clear();
}

PARITY(two_at_once) {
  auto generator = count(2);
  const auto results = co_await gather(
      outcome("one", generator.anext()), outcome("two", generator.anext()));
  say(std::tuple_size_v<std::decay_t<decltype(results)>>);
}

PARITY(two_generators_at_once) {
  auto one = count(2, 2s);
  auto two = count(2, 1s);
  co_await gather(outcome("one", one.anext()), outcome("two", two.anext()));
}

PARITY(two_consumers_of_one_in_turn) {
  auto generator = count(4);
  const auto consume =
      [&generator](std::string label, Seconds start) -> Coroutine<> {
    co_await sleep(start);
    co_await outcome(label, generator.anext());
    co_await sleep(1s);
    co_await outcome(label, generator.anext());
  };
  co_await gather(consume("a", 0s), consume("b", 1250ms));
}

PARITY(cancelled_while_the_body_waits) {
  const auto body = []() -> AsyncGenerator<int> {
    try {
      co_await sleep(5s);
    } catch (const CancelledError&) {
      say(now(), "body", name(std::current_exception()));
      throw;
    }
    co_yield 1;
  };
  auto generator = body();
  const auto task = create_task(outcome("anext", generator.anext()));
  co_await sleep(1s);
  task.cancel("enough");
  co_await task;
  co_await outcome("anext", generator.anext());
}

PARITY(the_body_swallows_a_cancellation) {
  const auto body = []() -> AsyncGenerator<int> {
    try {
      co_await sleep(5s);
    } catch (const CancelledError&) {
    }
    co_yield 1;
    co_yield 2;
  };
  auto generator = body();
  const auto task = create_task(outcome("anext", generator.anext()));
  co_await sleep(1s);
  task.cancel();
  co_await task;
  co_await outcome("anext", generator.anext());
}

PARITY(a_time_limit_for_one_value) {
  auto generator = count(3, 2s);
  co_await outcome("first", wait_for(generator.anext(), 3s));
  try {
    co_await wait_for(generator.anext(), 1s);
  } catch (const TimeoutError&) {
    say(now(), "timed out");
  }
  co_await outcome("third", generator.anext());
}

PARITY(a_time_limit_for_all_values) {
  const auto consume = []() -> Coroutine<> {
    auto numbers = count(5);
    while (const auto i = co_await numbers.anext()) {
      say(now(), *i);
    }
  };
  try {
    co_await async_with(timeout(2500ms), consume());
  } catch (const TimeoutError&) {
    say(now(), "timed out");
  }
}

PARITY(a_time_limit_inside_the_body) {
  const auto body = []() -> AsyncGenerator<std::string> {
    for (const int delay : {1, 5, 1}) {
      std::string result;
      try {
        co_await async_with(timeout(2s), as_coroutine(sleep(Seconds(delay))));
        result = "in time";
      } catch (const TimeoutError&) {
        result = "too late";
      }
      co_yield result;
    }
  };
  auto words = body();
  while (const auto word = co_await words.anext()) {
    say(now(), *word);
  }
}

PARITY(dropped_half_way) {
  co_await half(cleans());
  say(now(), "dropped");
  co_await sleep(3s);
}

PARITY(dropped_before_it_begins) {
  { const auto dropped = cleans(); }
  say(now(), all_tasks().size());
  co_await sleep(0s);
  co_await sleep(0s);
  say(now(), all_tasks().size());
}

PARITY(dropped_and_closed_some_rounds_later) {
  co_await half(returns());
  for (int i = 0; i < 4; ++i) {
    say("round", i, all_tasks().size());
    co_await sleep(0s);
  }
}

PARITY(dropped_and_fails) {
  co_await half(fails());
  co_await sleep(1s);
  say("over");
}

PARITY(dropped_as_main_ends) {
  co_await half(cleans());
  say(now(), "main ends");
}

PARITY(dropped_as_main_ends_and_fails) {
  const auto fails_after = [](int value) -> AsyncGenerator<int> {
    try {
      co_yield value;
    } catch (const GeneratorExit&) {
      say("GeneratorExit");
    } catch (...) {
      say(name(std::current_exception()));
    }
    throw ValueError("boom");
  };
  co_await half(fails_after(1));
  say("main ends");
}

PARITY(kept_until_the_end_of_run) {
  KEPT.push_back(cleans("kept"));
  co_await half(KEPT.back());
  say(now(), "main ends");
}

PARITY(kept_and_fails) {
  KEPT.push_back(fails());
  co_await half(KEPT.back());
  say(now(), "main ends");
}

PARITY(kept_by_a_task_that_is_cancelled) {
  const auto consume = []() -> Coroutine<> {
    auto generator = cleans("consumer's");
    co_await half(generator);
    try {
      co_await sleep(100s);
    } catch (const CancelledError&) {
      say(now(), "cancelled");
      throw;
    }
  };
  create_task(consume());
  co_await sleep(1s);
  say(now(), "main ends");
}

PARITY(shutdown_by_hand) {
  auto one = cleans("one");
  co_await half(one);
  co_await shutdown_asyncgens();
  say(now(), "shut down");
  co_await outcome("anext", one.anext());
}

PARITY(break_leaves_it_half_way) {
  auto generator = count(5);
  while (const auto i = co_await generator.anext()) {
    say(*i);
    if (*i == 1) {
      break;
    }
  }
  co_await outcome("anext", generator.anext());
  co_await generator.aclose();
}

PARITY(aclosing_a_loop_that_breaks) {
  auto generator = cleans();
  const auto body = [&]() -> Coroutine<> {
    while (const auto i = co_await generator.anext()) {
      say(*i);
      break;
    }
  };
  co_await async_with(aclosing(generator), body());
  say(now(), "over");
}

PARITY(aclosing_a_loop_that_fails) {
  auto generator = cleans();
  const auto body = [&]() -> Coroutine<> {
    while (co_await generator.anext()) {
      throw ValueError("boom");
    }
  };
  try {
    co_await async_with(aclosing(generator), body());
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
}

PARITY(aclosing_a_loop_that_is_cancelled) {
  const auto body = [](AsyncGenerator<int> generator) -> Coroutine<> {
    while (co_await generator.anext()) {
      co_await sleep(5s);
    }
  };
  const auto consume = [body]() -> Coroutine<> {
    auto generator = cleans();
    co_await async_with(aclosing(generator), body(generator));
  };
  const auto task = create_task(outcome("task", consume()));
  co_await sleep(1s);
  task.cancel();
  co_await task;
}

namespace {

AsyncGenerator<int> stage(std::string label, AsyncGenerator<int> source) {
  std::exception_ptr exception;
  try {
    while (const auto i = co_await source.anext()) {
      co_yield *i;
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await sleep(1s);
  say(now(), label);
  co_await source.aclose();
  if (exception) {
    std::rethrow_exception(exception);
  }
}

AsyncGenerator<int> pipeline_of_three() {
  return stage("third", stage("second", stage("first", count(3))));
}

}  // namespace

PARITY(a_pipeline_of_three) {
  auto pipeline = pipeline_of_three();
  while (const auto i = co_await pipeline.anext()) {
    say(now(), *i);
  }
}

PARITY(a_pipeline_that_is_closed) {
  auto pipeline = pipeline_of_three();
  co_await outcome("anext", pipeline.anext());
  co_await outcome("aclose", pipeline.aclose());
}

PARITY(a_pipeline_that_is_cancelled_as_it_waits) {
  auto pipeline = pipeline_of_three();
  const auto task = create_task(outcome("anext", pipeline.anext()));
  co_await sleep(500ms);
  task.cancel();
  co_await task;
  co_await outcome("anext", pipeline.anext());
}

namespace {

AsyncGenerator<int> nested(int depth) {
  if (depth == 0) {
    co_await sleep(1s);
    co_yield 0;
    co_return;
  }
  auto inner = nested(depth - 1);
  while (const auto i = co_await inner.anext()) {
    co_yield *i + 1;
  }
  co_yield -depth;
}

}  // namespace

PARITY(one_inside_of_another) {
  auto numbers = nested(4);
  while (const auto i = co_await numbers.anext()) {
    say(now(), *i);
  }
}

PARITY(as_a_task) {
  auto generator = count(3);
  const auto task = ensure_future(generator.anext());
  say(now(), task.done());
  const std::vector tasks{task};
  co_await wait(tasks);
  say(now(), *task.result());
}

PARITY(a_body_waits_for_a_future) {
  const Future<int> future;
  const auto body = [&]() -> AsyncGenerator<int> {
    co_yield 1;
    co_yield co_await future;
  };
  get_running_loop().call_later(2s, [future] { future.set_result(7); });
  auto numbers = body();
  while (const auto i = co_await numbers.anext()) {
    say(now(), *i);
  }
}

PARITY(a_body_starts_tasks) {
  const auto body = []() -> AsyncGenerator<int> {
    TaskGroup group;
    std::vector<Task<int>> tasks;
    const auto starts = [&]() -> Coroutine<> {
      for (const int i : {2, 1}) {
        tasks.push_back(group.create_task(sleep(Seconds(i), i)));
      }
      co_return;
    };
    co_await async_with(group, starts());
    for (const auto& task : tasks) {
      co_yield task.result();
    }
  };
  auto numbers = body();
  while (const auto i = co_await numbers.anext()) {
    say(now(), *i);
  }
}

PARITY(which_task_the_body_runs_in) {
  const auto body = []() -> AsyncGenerator<std::string> {
    while (true) {
      co_yield current_task().get_name();
    }
  };
  auto generator = body();
  const auto consume = [&]() -> Coroutine<> {
    const auto name = co_await generator.anext();
    say(*name);
  };
  for (const char* word : {"one", "two"}) {
    co_await create_task(consume(), word);
  }
  co_await generator.aclose();
}
