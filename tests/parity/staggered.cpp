// Attempts that begin one after the other, before the earlier ones failed.
//
// Stage: 15
#include <exception>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "parity.hpp"
#include "staggered.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

using Attempt = std::function<Coroutine<std::string>()>;

Coroutine<std::string> attempted(std::string label, Seconds delay, bool fails) {
  say(now(), label, "begins");
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(now(), label, "cancelled");
    throw;
  }
  say(now(), label, fails ? "fails" : "ends");
  if (fails) {
    throw ValueError(label);
  }
  co_return label;
}

Attempt attempt(std::string label, Seconds delay, bool fails = false) {
  return [=] { return attempted(label, delay, fails); };
}

Coroutine<std::string> tidies(std::string label) {
  say(now(), label, "begins");
  std::exception_ptr exception;
  try {
    co_await sleep(100s);
  } catch (...) {
    exception = std::current_exception();
  }
  co_await sleep(1s);
  say(now(), label, "is tidy");
  std::rethrow_exception(exception);
}

Coroutine<> race(std::vector<Attempt> attempts, Seconds delay) {
  std::vector<std::exception_ptr> errors;
  const auto winner =
      co_await staggered_race(std::move(attempts), delay, &errors);
  say(now(), winner ? *winner : "nobody");
  if (!winner) {
    for (const std::exception_ptr& error : errors) {
      say(name(error));
    }
  }
}

}  // namespace

PARITY(the_first_is_quick) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 1s));
  all.push_back(attempt("two", 1s));
  co_await race(all, 2s);
}

PARITY(the_second_overtakes) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 10s));
  all.push_back(attempt("two", 1s));
  co_await race(all, 2s);
}

PARITY(the_first_is_slow_and_wins) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 5s));
  all.push_back(attempt("two", 10s));
  all.push_back(attempt("three", 10s));
  co_await race(all, 2s);
}

PARITY(one_that_fails_hurries_the_next) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 1s, true));
  all.push_back(attempt("two", 1s));
  co_await race(all, 5s);
}

PARITY(an_earlier_one_that_fails_hurries_nobody) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 3s, true));
  all.push_back(attempt("two", 10s));
  all.push_back(attempt("three", 1s));
  co_await race(all, 2s);
}

PARITY(all_fail) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 1s, true));
  all.push_back(attempt("two", 1s, true));
  co_await race(all, 5s);
}

PARITY(all_fail_in_another_order) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 5s, true));
  all.push_back(attempt("two", 1s, true));
  co_await race(all, 2s);
}

PARITY(the_last_one_wins_after_all_others_failed) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 1s, true));
  all.push_back(attempt("two", 1s, true));
  all.push_back(attempt("three", 1s));
  co_await race(all, 5s);
}

PARITY(nobody_takes_part) {
  const std::vector<Attempt> none;
  co_await race(none, 1s);
}

PARITY(one_takes_part) {
  const std::vector<Attempt> all(1, attempt("one", 5s));
  co_await race(all, 1s);
}

PARITY(one_takes_part_and_fails) {
  const std::vector<Attempt> all(1, attempt("one", 5s, true));
  co_await race(all, 1s);
}

PARITY(without_delay) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 3s));
  all.push_back(attempt("two", 1s));
  all.push_back(attempt("three", 2s));
  co_await race(all, 0s);
}

PARITY(the_race_is_cancelled) {
  std::vector<Attempt> all;
  all.push_back(attempt("one", 10s));
  all.push_back(attempt("two", 10s));
  const auto task = create_task(race(all, 2s));
  co_await sleep(3s);
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
    say(now(), name(std::current_exception()));
  }
  co_await sleep(1s);
}

PARITY(one_that_lost_tidies_up) {
  std::vector<Attempt> all;
  all.push_back([] { return tidies("one"); });
  all.push_back(attempt("two", 1s));
  co_await race(all, 2s);
  co_await sleep(5s);
}
