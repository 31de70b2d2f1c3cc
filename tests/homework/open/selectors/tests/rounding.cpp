// poll() counts milliseconds in an int: what happens to a fraction?
#include "pair.hpp"

namespace test_ways {

/// How many rounds the loop makes until a timer has run, on the real clock.
int rounds_until_due(EventLoop& loop, Seconds delay) {
  int count = 0;
  bool done = false;
  loop.call_later(delay, [&] { done = true; });
  while (!done && count < 100) {
    loop.run_once();
    ++count;
  }
  return count;
}

TEST_CASE("rounding: the loop sleeps once, not again and again") {
  in_each_loop([](EventLoop& loop) {
    const Pair pair;
    loop.add_reader(pair.here, [] { FAIL("it cannot be read"); });
    for (const Seconds delay : {
             Seconds(20.5e-3),
             Seconds(1.5e-3),
             Seconds(0.9996e-3),
             Seconds(123.456e-6),
             Seconds(0),
         }) {
      CAPTURE(delay.count());
      CHECK(rounds_until_due(loop, delay) <= 3);
    }
    loop.forget(pair.here);
  });
}

TEST_CASE("rounding: nor does it sleep for much longer") {
  in_each_loop([](EventLoop& loop) {
    const Seconds start = loop.time();
    rounds_until_due(loop, 20ms);
    // A thousand times as long would be a mistake of the unit.
    CHECK(loop.time() - start < 10s);
  });
}

}  // namespace test_ways
