#include <cmath>
#include <cstdio>
#include <exception>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

// Rounded down: a little late does not show.
static void say(Seconds start, const char* what) {
  const Seconds passed = get_running_loop().time() - start;
  std::printf("  %.1f s  %s, cancelling() is %d\n",
              std::floor(passed.count() * 10) / 10, what,
              current_task().cancelling());
}

static Coroutine<> nap(Seconds delay, Seconds start) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(start, "sleep: CancelledError");
    throw;
  }
}

/// A second attempt, if the first takes too long.
static Coroutine<> attempts(Seconds limit, Seconds start) {
  try {
    co_await async_with(timeout_at(start + limit), nap(1s, start));
  } catch (const TimeoutError&) {
    say(start, "inner: TimeoutError");
  } catch (const CancelledError&) {
    say(start, "inner: CancelledError");
    throw;
  }
  co_await nap(100ms, start);
}

/// Takes a while to clean up, but not longer than that.
static Coroutine<> tidy(Seconds limit, Seconds start) {
  std::exception_ptr cancelled;
  try {
    co_await nap(1s, start);
  } catch (const CancelledError&) {
    cancelled = std::current_exception();
  }
  try {
    co_await async_with(timeout(limit), nap(1s, start));
  } catch (const TimeoutError&) {
    say(start, "clean-up: TimeoutError");
  }
  if (cancelled) {
    std::rethrow_exception(cancelled);
  }
}

static Coroutine<> limited(Coroutine<> body, Seconds outer, Seconds start) {
  try {
    co_await async_with(timeout_at(start + outer), std::move(body));
    say(start, "outer: in time");
  } catch (const TimeoutError&) {
    say(start, "outer: TimeoutError");
  }
}

static Seconds begin(const char* title) {
  std::printf("%s\n", title);
  return get_running_loop().time();
}

static Coroutine<> timeouts() {
  Seconds start = begin("the inner is first");
  co_await limited(attempts(100ms, start), 300ms, start);
  start = begin("the outer is first");
  co_await limited(attempts(300ms, start), 100ms, start);
  start = begin("both at the same time");
  co_await limited(attempts(100ms, start), 100ms, start);
  start = begin("one that limits the clean-up of the other");
  co_await limited(tidy(100ms, start), 100ms, start);
}

static const Demo<Coroutine<>()> demo{
    "timeouts", "one in the other: which of them is it?", timeouts};
