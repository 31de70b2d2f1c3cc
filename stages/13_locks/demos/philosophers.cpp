#include <algorithm>
#include <cstdio>
#include <deque>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static constexpr int seats = 5;

/// A fork lies between each two of them.
struct Supper {
  std::deque<Lock> forks{seats};
  int meals = 0;
};

static Coroutine<> eat_once(Supper* supper, int first, int second) {
  const auto one = co_await supper->forks[first].scoped();
  // Long enough for all others to take theirs.
  co_await sleep(10ms);
  const auto other = co_await supper->forks[second].scoped();
  co_await sleep(10ms);
  ++supper->meals;
}

/// Takes the left fork first.
static Coroutine<> naive(Supper* supper, int seat) {
  co_await eat_once(supper, seat, (seat + 1) % seats);
}

/// Takes the fork with the smaller number first: no ring can close.
static Coroutine<> orderly(Supper* supper, int seat) {
  const int left = seat;
  const int right = (seat + 1) % seats;
  co_await eat_once(supper, std::min(left, right), std::max(left, right));
}

static Coroutine<> dine(
    const char* title,
    Coroutine<> (*philosopher)(Supper*, int)
) {
  Supper supper;
  std::vector<Coroutine<>> guests;
  for (int seat = 0; seat < seats; ++seat) {
    guests.push_back(philosopher(&supper, seat));
  }
  bool stuck = false;
  try {
    co_await wait_for(gather(std::move(guests)), 500ms);
  } catch (const TimeoutError&) {
    stuck = true;
  }
  std::printf("%s: %d meals, %s\n", title, supper.meals,
              stuck ? "stuck, each with one fork" : "all went home");
}

static Coroutine<> philosophers() {
  co_await dine("the left fork first", naive);
  co_await dine("the smaller number first", orderly);
}

static const Demo<Coroutine<>()> demo{
    "philosophers", "five, five forks, and an order that helps",
    philosophers};
