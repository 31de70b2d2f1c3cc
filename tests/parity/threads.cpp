// Threads beside the loop: executors, and calls from other threads.
//
// Stage: 12
#include <memory>
#include <semaphore>
#include <thread>

#include "parity.hpp"
#include "runners.hpp"
#include "sockets.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

using Semaphore = std::counting_semaphore<>;
using Executor = concurrent::ThreadPoolExecutor;

template <class Awaitable>
Coroutine<std::string> outcome(Awaitable awaitable) {
  try {
    if constexpr (std::is_same_v<Awaitable, Future<>>) {
      co_await awaitable;
      co_return "None";
    } else {
      co_return std::to_string(co_await awaitable);
    }
  } catch (...) {
    co_return name(std::current_exception());
  }
}

int fail() { throw ValueError("boom"); }

std::thread::id thread_id() { return std::this_thread::get_id(); }

void in_thread(std::function<void()> body) { std::thread(body).join(); }

}  // namespace

// ---- run_in_executor, to_thread ---------------------------------------------

PARITY_THREADS(an_executor_gives_the_result) {
  const auto future = run_in_executor(None, [] { return 1 << 10; });
  say(co_await future);
}

PARITY_THREADS(an_executor_gives_the_exception) {
  say(co_await outcome(run_in_executor(None, fail)));
  say(co_await outcome(to_thread(fail)));
}

PARITY_THREADS(a_call_runs_in_another_thread) {
  const auto here = thread_id();
  const auto there = co_await to_thread(thread_id);
  say(here != there);
}

PARITY_THREADS(the_loop_goes_on_meanwhile) {
  Semaphore go(0);
  const auto hold = [&go] {
    go.acquire();
    say("the thread ends");
    return "held";
  };
  const auto future = run_in_executor(None, hold);
  for (int i = 0; i < 3; ++i) {
    say("round", i, future.done());
    co_await sleep(0s);
  }
  go.release();
  say(co_await future);
}

PARITY_THREADS(to_thread_does_nothing_until_awaited) {
  auto coroutine = to_thread([] { say("in the thread"); });
  say("before");
  co_await coroutine;
  say("after");
}

PARITY_THREADS(no_running_loop_in_the_thread) {
  const auto ask = [] {
    return raises([] { return get_running_loop().is_closed(); });
  };
  say(co_await to_thread(ask));
}

PARITY_THREADS(several_at_once) {
  Semaphore left(0);
  Semaphore right(0);
  const auto one = [&left, &right] {
    left.release();
    right.acquire();
    return 1;
  };
  const auto two = [&left, &right] {
    right.release();
    left.acquire();
    return 2;
  };
  const auto [first, second] = co_await gather(to_thread(one), to_thread(two));
  say(first, second);
}

PARITY_THREADS(an_executor_of_ones_own) {
  Executor executor(1);
  const auto first = run_in_executor(executor, thread_id);
  const auto second = run_in_executor(executor, thread_id);
  const auto id = co_await first;
  say(id == co_await second);
}

PARITY_THREADS(the_default_executor_can_be_replaced) {
  const auto executor = std::make_shared<Executor>(1);
  get_running_loop().set_default_executor(executor);
  const auto mine = executor->submit(thread_id).result();
  say(co_await to_thread(thread_id) == mine);
}

PARITY_THREADS(an_executor_that_is_shut_down_takes_nothing) {
  Executor executor(1);
  executor.shutdown();
  try {
    run_in_executor(executor, fail);
  } catch (const std::runtime_error&) {
    say(name(std::current_exception()));
  }
  co_return;
}

PARITY_THREADS(after_its_shutdown_there_is_no_default_executor) {
  const auto square = [] { return 9; };
  say(co_await to_thread(square));
  co_await shutdown_default_executor();
  co_await shutdown_default_executor();
  try {
    run_in_executor(None, fail);
  } catch (const std::runtime_error&) {
    say(name(std::current_exception()));
  }
}

PARITY_THREADS(its_shutdown_waits_for_the_calls) {
  Semaphore go(0);
  std::string heard;
  const auto hold = [&go, &heard] {
    go.acquire();
    heard = "the call has ended";
  };
  run_in_executor(None, hold);
  const auto closing = create_task(shutdown_default_executor());
  co_await sleep(0s);
  say(closing.done());
  go.release();
  co_await closing;
  say(heard);
}

// ---- Cancelling -------------------------------------------------------------

PARITY_THREADS(a_call_that_has_begun_goes_on_when_cancelled) {
  Semaphore go(0);
  Semaphore begun(0);
  Semaphore ended(0);
  const auto hold = [&] {
    begun.release();
    go.acquire();
    say("the thread does not know");
    ended.release();
  };
  const auto future = run_in_executor(None, hold);
  begun.acquire();
  const bool cancelled = future.cancel();
  say(cancelled, future.cancelled());
  say(co_await outcome(future));
  go.release();
  ended.acquire();
}

PARITY_THREADS(a_call_that_is_queued_is_cancelled) {
  Semaphore go(0);
  Semaphore begun(0);
  const auto hold = [&] {
    begun.release();
    go.acquire();
    return "held";
  };
  Executor executor(1);
  const auto first = run_in_executor(executor, hold);
  const auto second = run_in_executor(executor, [] { say("never said"); });
  begun.acquire();
  say(second.cancel());
  co_await sleep(0s);
  go.release();
  const std::string held = co_await first;
  say(held, co_await outcome(second));
}

namespace {

Coroutine<> waits_for_a_thread(std::function<void()> hold) {
  try {
    co_await to_thread(hold);
  } catch (const CancelledError&) {
    say("cancelled");
    throw;
  }
}

}  // namespace

PARITY_THREADS(a_task_that_waits_for_a_thread_is_cancelled) {
  // The thread may use them last: it is not waited for here.
  const auto go = std::make_shared<Semaphore>(0);
  const auto begun = std::make_shared<Semaphore>(0);
  const std::function<void()> hold = [go, begun] {
    begun->release();
    go->acquire();
  };
  const auto task = create_task(waits_for_a_thread(hold));
  co_await sleep(0s);
  begun->acquire();
  say(task.cancel());
  try {
    co_await task;
  } catch (...) {
    say(name(std::current_exception()));
  }
  go->release();
}

PARITY_THREADS(an_exception_after_a_cancellation_is_not_reported) {
  Semaphore go(0);
  Semaphore begun(0);
  const auto hold = [&] {
    begun.release();
    go.acquire();
    throw ValueError("boom");
  };
  Executor executor(1);
  const auto future = run_in_executor(executor, hold);
  begun.acquire();
  future.cancel();
  go.release();
  executor.shutdown();
  co_await sleep(0s);
  say("nobody complains", future.cancelled());
}

// ---- wrap_future ------------------------------------------------------------

PARITY_THREADS(a_wrapped_future_gets_the_result) {
  const concurrent::Future<int> source;
  const auto future = wrap_future(source);
  source.set_result(42);
  say("not yet", future.done());
  say(co_await future);
}

PARITY_THREADS(a_wrapped_future_gets_the_exception) {
  const concurrent::Future<int> source;
  const auto future = wrap_future(source);
  source.set_exception(std::make_exception_ptr(ValueError("boom")));
  say(co_await outcome(future));
}

PARITY_THREADS(a_wrapped_future_of_what_is_done) {
  const concurrent::Future<int> source;
  source.set_result(42);
  const auto future = wrap_future(source);
  const bool done = future.done();
  say(done, co_await future);
}

PARITY_THREADS(a_wrapped_future_hears_of_a_cancellation) {
  const concurrent::Future<int> source;
  const auto future = wrap_future(source);
  say(source.cancel());
  say(co_await outcome(future));
  say(future.cancelled());
}

PARITY_THREADS(cancelling_a_wrapped_future_cancels_its_source) {
  const concurrent::Future<int> source;
  const auto future = wrap_future(source);
  const bool cancelled = future.cancel();
  say(cancelled, source.cancelled());
  co_await sleep(0s);
  say(source.cancelled());
}

PARITY_THREADS(a_result_for_a_wrapped_future_that_was_cancelled) {
  const concurrent::Future<int> source;
  source.set_running_or_notify_cancel();
  const auto future = wrap_future(source);
  future.cancel();
  co_await sleep(0s);
  say(source.cancelled());
  source.set_result(42);
  co_await sleep(0s);
  say(future.cancelled(), source.result());
}

// ---- call_soon_threadsafe ---------------------------------------------------

PARITY_THREADS(a_call_from_another_thread_wakes_the_loop) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future<std::string>();
  // By reference: only the loop's thread may count who holds a future.
  std::thread thread([&] {
    loop.call_soon_threadsafe([&future] { future.set_result("woken"); });
  });
  say(co_await future);
  thread.join();
}

PARITY_THREADS(calls_of_a_thread_keep_their_order) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future();
  std::thread thread([&] {
    for (int i = 0; i < 4; ++i) {
      loop.call_soon_threadsafe([i] { say("call", i); });
    }
    loop.call_soon_threadsafe([&future] { future.set_result(); });
  });
  co_await future;
  thread.join();
}

PARITY_THREADS(there_is_one_queue) {
  EventLoop& loop = get_running_loop();
  loop.call_soon([] { say("one"); });
  loop.call_soon_threadsafe([] { say("two"); });
  in_thread([&] { loop.call_soon_threadsafe([] { say("three"); }); });
  loop.call_soon([] { say("four"); });
  co_await sleep(0s);
  say("all in one round");
}

PARITY_THREADS(a_call_that_raises_is_reported) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future<std::string>();
  loop.call_soon_threadsafe([] { fail(); });
  loop.call_soon_threadsafe([future] { future.set_result("goes on"); });
  say(co_await future);
}

PARITY_PLAIN(a_closed_loop_takes_no_call) {
  EventLoop loop;
  loop.close();
  const auto call = [&] { loop.call_soon_threadsafe([] { say("no"); }); };
  say("refused", raises(call) != "nothing");
}

PARITY_PLAIN(a_call_before_the_loop_runs) {
  EventLoop loop;
  in_thread([&] { loop.call_soon_threadsafe([] { say("first"); }); });
  loop.call_soon([&loop] { loop.stop(); });
  say("runs");
  loop.run_forever();
  loop.close();
}

PARITY_PLAIN(a_thread_stops_the_loop) {
  EventLoop loop;
  std::thread thread([&] {
    loop.call_soon_threadsafe([&loop] { loop.stop(); });
  });
  loop.run_forever();
  thread.join();
  say("stopped");
  loop.close();
}

// ---- run_coroutine_threadsafe -----------------------------------------------

namespace {

Coroutine<int> add(int a, int b) {
  co_await sleep(0s);
  co_return a + b;
}

}  // namespace

PARITY_THREADS(a_thread_gets_what_a_coroutine_returns) {
  EventLoop& loop = get_running_loop();
  const auto body = [&loop] {
    return run_coroutine_threadsafe(add(1, 2), loop).result();
  };
  say(co_await to_thread(body));
}

PARITY_THREADS(a_thread_gets_what_a_coroutine_raises) {
  EventLoop& loop = get_running_loop();
  const auto bad = []() -> Coroutine<> {
    throw ValueError("boom");
    co_return;
  };
  const auto body = [&loop, bad]() -> std::string {
    const auto future = run_coroutine_threadsafe(bad(), loop);
    try {
      future.result();
    } catch (const ValueError&) {
      return name(std::current_exception());
    }
    return "";
  };
  say(co_await to_thread(body));
}

namespace {

Coroutine<> waits(Semaphore* begun, const Future<>* ended) {
  begun->release();
  const auto never = get_running_loop().create_future();
  try {
    co_await never;
  } catch (const CancelledError&) {
    say("cancelled in the loop");
    ended->set_result();
    throw;
  }
}

}  // namespace

PARITY_THREADS(a_thread_cancels_a_coroutine) {
  EventLoop& loop = get_running_loop();
  Semaphore begun(0);
  const auto ended = loop.create_future();
  const auto body = [&] {
    const auto future = run_coroutine_threadsafe(waits(&begun, &ended), loop);
    begun.acquire();
    const bool cancelled = future.cancel();
    return std::string(yes(cancelled)) + " " + yes(future.cancelled()) + " "
        + raises([&] { future.result(); });
  };
  const std::string heard = co_await to_thread(body);
  co_await ended;
  say(heard);
}

namespace {

Coroutine<> cancels_itself() {
  current_task().cancel();
  co_await sleep(0s);
}

}  // namespace

PARITY_THREADS(a_coroutine_that_is_cancelled_in_the_loop) {
  EventLoop& loop = get_running_loop();
  const auto body = [&loop] {
    const auto future = run_coroutine_threadsafe(cancels_itself(), loop);
    const std::string error = raises([&] { future.result(); });
    return error + " " + yes(future.cancelled());
  };
  say(co_await to_thread(body));
}

namespace {

Coroutine<int> waits_for_the_gate(const Future<>* gate) {
  co_await *gate;
  co_return 42;
}

}  // namespace

PARITY_THREADS(a_thread_that_does_not_wait_long_enough) {
  EventLoop& loop = get_running_loop();
  const auto gate = loop.create_future();
  const auto body = [&] {
    const auto future =
        run_coroutine_threadsafe(waits_for_the_gate(&gate), loop);
    const std::string late = raises([&] { return future.result(0s); });
    loop.call_soon_threadsafe([&gate] { gate.set_result(); });
    return late + " " + std::to_string(future.result());
  };
  say(co_await to_thread(body));
}

// ---- Runners ----------------------------------------------------------------

namespace {

Coroutine<> leaves_it(Semaphore* go, std::string* heard) {
  const auto hold = [go, heard] {
    go->acquire();
    *heard = "the call has ended";
  };
  run_in_executor(None, hold);
  get_running_loop().call_soon([go] { go->release(); });
  co_return;
}

Coroutine<int> value_of(int value) {
  co_await sleep(0s);
  co_return value;
}

Coroutine<int> joins_a_runner(int* result) {
  in_thread([result] { *result = asyncio::run(value_of(42)); });
  co_return co_await value_of(43);
}

Coroutine<int> asks(EventLoop* other) {
  const auto future = run_coroutine_threadsafe(add(41, 1), *other);
  co_return co_await wrap_future(future);
}

}  // namespace

PARITY_PLAIN(run_waits_for_the_calls_of_its_executor) {
  Semaphore go(0);
  std::string heard;
  asyncio::run(leaves_it(&go, &heard));
  say(heard);
}

PARITY_PLAIN(each_thread_has_a_runner_of_its_own) {
  int result = 0;
  const int outer = asyncio::run(joins_a_runner(&result));
  say(outer, result);
}

PARITY_PLAIN(two_loops_talk_to_each_other) {
  EventLoop other;
  std::thread thread([&other] { other.run_forever(); });
  say(asyncio::run(asks(&other)));
  other.call_soon_threadsafe([&other] { other.stop(); });
  thread.join();
  other.close();
}
