// shield(): whoever awaits may be cancelled, the inner goes on.
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

}  // namespace

PARITY(the_result_comes_through) {
  const int result = co_await shield(work("inner", 1s, 42));
  say(now(), result);
}

PARITY(an_exception_comes_through) {
  try {
    co_await shield(fail("inner", 1s));
  } catch (const ValueError&) {
    say(now(), name(std::current_exception()));
  }
}

PARITY(the_inner_goes_on_when_the_outer_is_cancelled) {
  auto inner = create_task(work("inner", 2s, 42));
  auto outer = shield(inner);
  co_await sleep(1s);
  const bool cancelling = outer.cancel("stop");
  say(now(), cancelling, outer.cancelled(), inner.cancelled());
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  const int result = co_await inner;
  say(now(), result);
}

PARITY(the_inner_goes_on_when_whoever_awaits_is_cancelled) {
  auto inner = create_task(work("inner", 2s, 42));

  const auto waiting = [inner]() -> Coroutine<> {
    try {
      co_await shield(inner);
    } catch (const CancelledError&) {
      say(now(), "waiting", name(std::current_exception()));
      throw;
    }
  };

  auto waiter = create_task(waiting());
  co_await sleep(1s);
  waiter.cancel("stop");
  try {
    co_await waiter;
  } catch (const CancelledError&) {
    say(now(), waiter.cancelled(), inner.done());
  }
  const int result = co_await inner;
  say(now(), result);
}

PARITY(cancelled_it_can_still_ask_for_the_result) {
  auto inner = create_task(work("inner", 2s, 42));

  const auto waiting = [inner]() -> Coroutine<int> {
    try {
      co_return co_await shield(inner);
    } catch (const CancelledError&) {
      say(now(), "not yet");
    }
    co_return co_await inner;
  };

  auto waiter = create_task(waiting());
  co_await sleep(1s);
  waiter.cancel();
  const int result = co_await waiter;
  say(now(), result, waiter.cancelled());
}

PARITY(it_does_not_protect_from_a_cancellation_of_the_inner) {
  auto inner = create_task(work("inner", 2s, 42));
  auto outer = shield(inner);
  co_await sleep(1s);
  inner.cancel("stop");
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), outer.cancelled(), inner.cancelled());
  }
}

PARITY(the_shield_of_what_is_done_is_that_itself) {
  auto inner = get_running_loop().create_future<int>();
  auto before = shield(inner);
  inner.set_result(42);
  auto after = shield(inner);
  say(before == inner, after == inner);
  say(before.done(), after.done());
  const int first = co_await before;
  const int second = co_await after;
  say(first, second);
}

PARITY(an_exception_behind_an_abandoned_shield_is_reported) {
  auto outer = shield(fail("inner", 2s));
  co_await sleep(1s);
  outer.cancel();
  co_await sleep(2s);
  say(now(), "end");
}

PARITY(an_exception_behind_a_forgotten_shield_is_reported_as_its_own) {
  shield(fail("inner", 1s));
  co_await sleep(2s);
  say(now(), "end");
}

PARITY(a_shielded_gather_goes_on) {
  auto inner = gather(work("a", 2s, 1), work("b", 3s, 2));
  auto outer = shield(inner);
  co_await sleep(1s);
  outer.cancel();
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), outer.cancelled(), inner.done());
  }
  const auto [a, b] = co_await inner;
  say(now(), a, b);
}

PARITY(a_gather_of_shields_cancels_only_the_shields) {
  auto a = create_task(work("a", 2s, 1));
  auto b = create_task(work("b", 3s, 2));
  auto shield_a = shield(a);
  auto shield_b = shield(b);
  auto outer = gather(shield_a, shield_b);
  co_await sleep(1s);
  outer.cancel();
  try {
    co_await outer;
  } catch (const CancelledError&) {
    say(now(), shield_a.cancelled(), shield_b.cancelled());
  }
  say(a.cancelled(), b.cancelled());
  const auto [first, second] = co_await gather(a, b);
  say(now(), first, second);
}
