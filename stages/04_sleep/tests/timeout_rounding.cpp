#include <chrono>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_timeout_rounding {

using namespace asyncio;
using namespace std::chrono_literals;

/// How many rounds the loop makes until a timer has run, on the real clock.
int rounds_until_due(EventLoop& loop, Seconds delay) {
  int rounds = 0;
  bool done = false;
  const Seconds due = loop.time() + delay;
  loop.call_later(delay, [&] {
    CHECK(loop.time() >= due);
    done = true;
  });
  while (!done) {
    loop.run_once();
    ++rounds;
  }
  return rounds;
}

TEST_CASE("timeout_rounding: waits, and not again and again") {
  EventLoop loop;
  CHECK(rounds_until_due(loop, 20ms) <= 3);
}

TEST_CASE("timeout_rounding: any fraction of a second") {
  EventLoop loop;
  for (const Seconds delay : {
           Seconds(1.5e-3),
           Seconds(0.9996e-3),
           Seconds(123.456e-6),
           Seconds(1.5e-6),
           Seconds(0.5e-6),
           Seconds(1e-9),
           Seconds(0),
       }) {
    CAPTURE(delay.count());
    for (int i = 0; i < 20; ++i) {
      REQUIRE(rounds_until_due(loop, delay) <= 3);
    }
  }
}

TEST_CASE("timeout_rounding: beside a descriptor that is watched") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  const Socket silent(left, loop);
  const Socket other(right, loop);
  loop.add_reader(silent, [] { FAIL("it cannot be read"); });
  CHECK(rounds_until_due(loop, 5ms) <= 3);
}

TEST_CASE("timeout_rounding: the selector waits at least that long") {
  using Clock = std::chrono::steady_clock;
  SelectSelector selector;
  const Seconds timeout(2.9e-3);
  for (int i = 0; i < 10; ++i) {
    const auto start = Clock::now();
    CHECK(selector.select(timeout).empty());
    CHECK(Clock::now() - start >= timeout);
  }
}

TEST_CASE("timeout_rounding: however short it is, the selector sleeps") {
  SelectSelector selector;
  const long before = times_asleep();
  for (int i = 0; i < 100; ++i) {
    CHECK(selector.select(Seconds(1e-10)).empty());
  }
  CHECK(times_asleep() - before >= 50);
}

}  // namespace test_timeout_rounding
