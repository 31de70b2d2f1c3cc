// concurrent.futures: a future that a thread waits for, and a pool of threads.
//
// Stage: 12
#include <semaphore>
#include <thread>

#include "parity.hpp"
#include "runners.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

using Semaphore = std::counting_semaphore<>;

template <class T>
void states(const concurrent::Future<T>& future) {
  say("cancelled", future.cancelled(), "running", future.running(),
      "done", future.done());
}

/// Its result, or the exception's name and text.
template <class T>
std::string result_of(const concurrent::Future<T>& future) {
  try {
    std::ostringstream text;
    text << future.result();
    return text.str();
  } catch (...) {
    return name(std::current_exception());
  }
}

int fail() { throw ValueError("boom"); }

std::exception_ptr value_error(const std::string& text) {
  return std::make_exception_ptr(ValueError(text));
}

template <class T>
std::string result_raises(const concurrent::Future<T>& future) {
  return raises([future] { return future.result(); });
}

}  // namespace

// ---- A future ---------------------------------------------------------------

PARITY_PLAIN(a_new_future_is_pending) {
  states(concurrent::Future<int>());
}

PARITY_PLAIN(a_future_runs_and_is_done) {
  const concurrent::Future<int> future;
  say(future.set_running_or_notify_cancel());
  states(future);
  future.set_result(42);
  states(future);
  say(future.result(), future.exception() == nullptr);
}

PARITY_PLAIN(an_exception_is_raised_as_often_as_asked) {
  const concurrent::Future<int> future;
  future.set_exception(value_error("boom"));
  states(future);
  say(result_of(future), result_of(future));
  say(name(future.exception()));
}

PARITY_PLAIN(cancelled_before_it_runs) {
  const concurrent::Future<int> future;
  const bool first = future.cancel();
  say(first, future.cancel());
  states(future);
  say(future.set_running_or_notify_cancel());
  states(future);
  say(result_raises(future), raises([&] { return future.exception(); }));
}

PARITY_PLAIN(what_runs_cannot_be_cancelled) {
  const concurrent::Future<int> future;
  future.set_running_or_notify_cancel();
  say(future.cancel());
  states(future);
  future.set_result(1);
  say(future.cancel(), future.result());
}

PARITY_PLAIN(a_result_twice_is_refused) {
  const concurrent::Future<int> future;
  future.set_result(1);
  say(raises([&] { future.set_result(2); }));
  say(raises([&] { future.set_exception(value_error("late")); }));
  say(future.result());
}

PARITY_PLAIN(a_cancelled_future_takes_no_result) {
  const concurrent::Future<int> future;
  future.cancel();
  say(raises([&] { future.set_result(1); }));
  states(future);
}

PARITY_PLAIN(a_result_without_running_is_fine) {
  const concurrent::Future<std::string> future;
  future.set_result("early");
  say(future.result());
}

PARITY_PLAIN(nobody_waits_longer_than_asked) {
  const concurrent::Future<int> future;
  say(raises([&] { return future.result(0s); }));
  say(raises([&] { return future.exception(0s); }));
  states(future);
}

PARITY_PLAIN(callbacks_are_called_in_their_order) {
  using Done = concurrent::Future<int>;
  const Done future;
  future.add_done_callback([](const Done& done) {
    say("first", done.result());
  });
  future.add_done_callback([](const Done& done) {
    say("second", done.result());
  });
  say("set");
  future.set_result(42);
  say("was set");
  future.add_done_callback([](const Done& done) {
    say("late", done.result());
  });
}

PARITY_PLAIN(a_callback_hears_of_a_cancellation) {
  const concurrent::Future<int> future;
  future.add_done_callback([](const auto& done) {
    say("heard", done.cancelled());
  });
  say(future.cancel());
  say(future.cancel());
}

PARITY_PLAIN(a_callback_that_raises_stops_no_other) {
  const concurrent::Future<> future;
  const auto bad = [](const auto&) {
    say("raises");
    throw ValueError("boom");
  };
  future.add_done_callback(bad);
  future.add_done_callback([](const auto&) { say("still called"); });
  future.set_result(None);
  future.add_done_callback(bad);
  say("goes on");
}

PARITY_PLAIN(a_callback_added_by_a_callback_is_called_at_once) {
  const concurrent::Future<int> future;
  future.add_done_callback([](const auto& done) {
    say("outer");
    done.add_done_callback([](const auto&) { say("inner"); });
    say("outer ends");
  });
  future.set_result(1);
}

PARITY_PLAIN(a_thread_waits_for_another) {
  const concurrent::Future<int> future;
  int heard = 0;
  std::thread thread([&] { heard = future.result(); });
  future.set_result(42);
  thread.join();
  say(heard);
}

PARITY_PLAIN(a_cancellation_ends_a_wait) {
  const concurrent::Future<int> future;
  std::string heard;
  std::thread thread([&] { heard = result_raises(future); });
  future.cancel();
  thread.join();
  say(heard);
}

PARITY_PLAIN(running_twice_is_an_error) {
  const concurrent::Future<int> future;
  say(future.set_running_or_notify_cancel());
  try {
    future.set_running_or_notify_cancel();
  } catch (const std::exception&) {
    say("refused");
  }
  states(future);
}

// ---- A pool -----------------------------------------------------------------

PARITY_PLAIN(submit_gives_results_and_exceptions) {
  concurrent::ThreadPoolExecutor executor(2);
  const auto good = executor.submit([](int x) { return 1 << x; }, 10);
  const auto bad = executor.submit(fail);
  say(good.result(), result_of(bad));
}

PARITY_PLAIN(one_worker_keeps_the_order) {
  std::vector<int> heard;
  {
    concurrent::ThreadPoolExecutor executor(1);
    for (int i = 0; i < 5; ++i) {
      executor.submit([&heard, i] { heard.push_back(i); });
    }
  }
  say(heard[0], heard[1], heard[2], heard[3], heard[4]);
}

PARITY_PLAIN(two_workers_meet) {
  Semaphore here(0);
  Semaphore there(0);
  concurrent::ThreadPoolExecutor executor(2);
  const auto left = executor.submit([&] {
    here.release();
    there.acquire();
    return "left";
  });
  const auto right = executor.submit([&] {
    there.release();
    here.acquire();
    return "right";
  });
  say(left.result(), right.result());
}

PARITY_PLAIN(what_is_queued_can_be_cancelled) {
  Semaphore go(0);
  Semaphore begun(0);
  concurrent::ThreadPoolExecutor executor(1);
  const auto first = executor.submit([&] {
    begun.release();
    go.acquire();
    return "held";
  });
  const auto second = executor.submit([] { say("never said"); });
  begun.acquire();
  states(first);
  states(second);
  const bool stopped = first.cancel();
  say(stopped, second.cancel());
  go.release();
  say(first.result(), result_raises(second));
}

PARITY_PLAIN(after_shutdown_nothing_is_taken) {
  concurrent::ThreadPoolExecutor executor(1);
  const auto square = [] { return 9; };
  say(executor.submit(square).result());
  executor.shutdown();
  executor.shutdown();
  try {
    executor.submit(square);
  } catch (const std::runtime_error&) {
    say(name(std::current_exception()));
  }
}

PARITY_PLAIN(shutdown_waits_for_what_is_queued) {
  std::vector<int> heard;
  concurrent::ThreadPoolExecutor executor(1);
  for (int i = 0; i < 3; ++i) {
    executor.submit([&heard, i] { heard.push_back(i); });
  }
  executor.shutdown();
  say(heard[0], heard[1], heard[2]);
}

PARITY_PLAIN(shutdown_can_cancel_what_has_not_begun) {
  Semaphore go(0);
  Semaphore begun(0);
  concurrent::ThreadPoolExecutor executor(1);
  const auto first = executor.submit([&] {
    begun.release();
    go.acquire();
    return "held";
  });
  const auto second = executor.submit([] { say("never said"); });
  const auto third = executor.submit([] { say("never said"); });
  begun.acquire();
  executor.shutdown(false, true);
  say(second.cancelled(), third.cancelled());
  states(first);
  go.release();
  say(first.result());
}

PARITY_PLAIN(map_keeps_the_order_of_the_values) {
  concurrent::ThreadPoolExecutor executor(3);
  auto squares = executor.map([](int x) { return x * x; },
                              std::vector<int>{1, 2, 3, 4, 5});
  std::string line;
  while (const auto square = squares.next()) {
    line += (line.empty() ? "" : " ") + std::to_string(*square);
  }
  say(line);
}

PARITY_PLAIN(map_raises_where_the_value_would_be) {
  const auto check = [](int x) {
    if (x == 3) {
      throw ValueError("three");
    }
    return x;
  };
  concurrent::ThreadPoolExecutor executor(2);
  auto results = executor.map(check, std::vector<int>{1, 2, 3, 4});
  try {
    while (const auto result = results.next()) {
      say(*result);
    }
  } catch (const ValueError&) {
    say(name(std::current_exception()));
  }
}

PARITY_PLAIN(map_submits_before_it_is_asked) {
  Semaphore begun(0);
  concurrent::ThreadPoolExecutor executor(1);
  const auto note = [&begun](int x) {
    begun.release();
    return x;
  };
  auto results = executor.map(note, std::vector<int>{1, 2});
  begun.acquire();
  begun.acquire();
  say("both have begun");
  const int first = *results.next();
  say(first, *results.next());
}

PARITY_PLAIN(a_pool_needs_a_worker) {
  try {
    concurrent::ThreadPoolExecutor executor(0);
  } catch (const std::invalid_argument& error) {
    say(error.what());
  }
}

PARITY_PLAIN(an_idle_worker_is_used_again) {
  concurrent::ThreadPoolExecutor executor(4);
  executor.submit([] { say("once"); }).result();
  const auto first = executor.submit([] { return 1; });
  first.result();
  executor.shutdown();
  say("joined", first.done());
}

PARITY_PLAIN(a_callback_runs_in_the_worker) {
  using Id = std::thread::id;
  bool heard = false;
  {
    Semaphore go(0);
    concurrent::ThreadPoolExecutor executor(1);
    const auto future = executor.submit([&go] {
      go.acquire();
      return std::this_thread::get_id();
    });
    future.add_done_callback([&heard](const concurrent::Future<Id>& done) {
      heard = std::this_thread::get_id() == done.result();
    });
    go.release();
    future.result();
    executor.shutdown();
  }
  say(heard);
}
