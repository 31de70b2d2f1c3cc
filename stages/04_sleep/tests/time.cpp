#include <chrono>
#include <vector>

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

TEST_CASE("time: a callback that took long has made others due") {
  EventLoop loop;
  std::vector<int> order;
  const Seconds due = loop.time() + 2ms;
  loop.call_at(due, [&] { order.push_back(2); });
  loop.call_soon([&] {
    const Seconds end = steady_now() + 2ms;
    while (steady_now() < end) {
    }
    order.push_back(1);
  });
  loop.run_until_idle();
  CHECK(order == std::vector<int>{1, 2});
}

TEST_CASE("time: a virtual one begins at zero and stands still") {
  EventLoop loop;
  loop.use_virtual_clock();
  CHECK(loop.time() == 0s);
  loop.call_soon([&] {
    const Seconds start = steady_now();
    while (steady_now() < start + 1ms) {
    }
    CHECK(loop.time() == 0s);
  });
  loop.run_until_idle();
  CHECK(loop.time() == 0s);
}

TEST_CASE("time: each loop has its own") {
  EventLoop one;
  EventLoop other;
  one.use_virtual_clock();
  other.use_virtual_clock();
  one.call_later(5s, [] {});
  one.run_until_idle();
  CHECK(one.time() == 5s);
  CHECK(other.time() == 0s);
}

}  // namespace test_time
