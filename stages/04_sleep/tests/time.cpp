#include <chrono>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_time {

using namespace asyncio;
using namespace std::chrono_literals;

Seconds steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

TEST_CASE("time: that of the clock nobody can set") {
  const EventLoop loop;
  const Seconds before = steady_now();
  const Seconds time = loop.time();
  const Seconds after = steady_now();
  CHECK(before <= time);
  CHECK(time <= after);
}

TEST_CASE("time: does not go back") {
  const EventLoop loop;
  Seconds last = loop.time();
  for (int i = 0; i < 10000; ++i) {
    const Seconds now = loop.time();
    REQUIRE(now >= last);
    last = now;
  }
}

TEST_CASE("time: goes on while a callback runs") {
  EventLoop loop;
  loop.call_soon([&] {
    const Seconds start = loop.time();
    const Seconds now = steady_now();
    while (steady_now() <= now) {
    }
    CHECK(loop.time() > start);
  });
  loop.run_until_idle();
}

}  // namespace test_time
