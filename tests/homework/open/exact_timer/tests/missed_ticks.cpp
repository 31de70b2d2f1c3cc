#include <cstdint>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "ticker.hpp"

namespace test_missed_ticks {

using namespace asyncio;
using namespace std::chrono_literals;

struct Tick {
  std::int64_t number;
  double time;
};

/// Waits for a tick, works for as long as the next entry says, and so on.
Coroutine<> listen(std::vector<Tick>* ticks, std::vector<Seconds> work) {
  Ticker ticker(1s);
  for (const Seconds duration : work) {
    const std::int64_t number = co_await ticker.next();
    ticks->push_back(Tick{number, get_running_loop().time().count()});
    co_await sleep(duration);
  }
}

std::vector<Tick> ticks_while(std::vector<Seconds> work) {
  EventLoop loop;
  loop.use_virtual_clock();
  std::vector<Tick> ticks;
  create_task(listen(&ticks, std::move(work)), loop);
  loop.run_until_idle();
  return ticks;
}

TEST_CASE("missed_ticks: left out, not caught up with") {
  const auto ticks = ticks_while({2500ms, 100ms, 100ms});
  REQUIRE(ticks.size() == 3);
  CHECK(ticks[0].number == 1);
  // Those at 2 s and 3 s came while nobody waited.
  CHECK(ticks[1].number == 4);
  CHECK(ticks[1].time == doctest::Approx(4));
  CHECK(ticks[2].number == 5);
  CHECK(ticks[2].time == doctest::Approx(5));
}

TEST_CASE("missed_ticks: the grid stays where it was") {
  const auto ticks = ticks_while({1300ms, 1300ms, 1300ms, 0s});
  REQUIRE(ticks.size() == 4);
  for (const Tick& tick : ticks) {
    CAPTURE(tick.number);
    CHECK(tick.time == doctest::Approx(static_cast<double>(tick.number)));
  }
  CHECK(ticks.back().number == 7);
}

Coroutine<> begin_late(std::int64_t* number) {
  Ticker ticker(1s);
  co_await sleep(7200ms);
  *number = co_await ticker.next();
}

TEST_CASE("missed_ticks: nor those before the first next()") {
  EventLoop loop;
  loop.use_virtual_clock();
  std::int64_t number = 0;
  create_task(begin_late(&number), loop);
  loop.run_until_idle();
  CHECK(number == 8);
}

}  // namespace test_missed_ticks
