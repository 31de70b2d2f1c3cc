#include <chrono>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_call_at {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

Seconds steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

TEST_CASE("call_at: at this time of the loop's clock") {
  EventLoop loop;
  loop.use_virtual_clock();
  std::vector<double> times;
  loop.call_at(7s, [&] { times.push_back(loop.time().count()); });
  loop.call_at(5s, [&] {
    times.push_back(loop.time().count());
    loop.call_at(6s, [&] { times.push_back(loop.time().count()); });
  });
  loop.run_until_idle();
  CHECK(times == std::vector<double>{5, 6, 7});
}

TEST_CASE("call_at: the virtual clock jumps to each, exactly") {
  EventLoop loop;
  loop.use_virtual_clock();
  unsigned random = 1;
  double expected = 0;
  for (int i = 0; i < 200; ++i) {
    random = random * 1664525u + 1013904223u;
    expected += (random >> 8) * 1e-7;
    bool done = false;
    loop.call_at(Seconds(expected), [&] { done = true; });
    loop.run_until_idle();
    REQUIRE(done);
    REQUIRE(loop.time().count() == expected);
  }
}

TEST_CASE("call_at: with call_later, whichever is due first") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  loop.call_later(2s, [&] { log.push_back("later"); });
  loop.call_at(2s, [&] { log.push_back("at, the same time"); });
  loop.call_at(1s, [&] { log.push_back("at"); });
  loop.run_until_idle();
  CHECK(log == Log{"at", "later", "at, the same time"});
}

TEST_CASE("call_at: a time that has passed: soon") {
  EventLoop loop;
  const Seconds start = loop.time();
  int calls = 0;
  loop.call_at(start - 1h, [&] { ++calls; });
  loop.call_at(Seconds(0), [&] { ++calls; });
  loop.call_at(start, [&] { ++calls; });
  CHECK(calls == 0);
  loop.run_until_idle();
  CHECK(calls == 3);
}

TEST_CASE("call_at: a callback that took long has made others due") {
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

TEST_CASE("call_at: what is not a number is refused") {
  EventLoop loop;
  const Seconds nan(std::numeric_limits<double>::quiet_NaN());
  // One of these in the heap, and the loop would never be idle.
  REQUIRE_THROWS_AS(loop.call_at(nan, [] {}), std::invalid_argument);
  REQUIRE_THROWS_AS(loop.call_later(nan, [] {}), std::invalid_argument);
  loop.run_until_idle();
}

TEST_CASE("call_at: never, and as good as never") {
  EventLoop loop;
  const Seconds infinity(std::numeric_limits<double>::infinity());
  Log log;
  loop.call_at(infinity, [&] { log.push_back("never"); });
  loop.call_later(Seconds::max(), [&] { log.push_back("the end"); });
  loop.call_later(std::chrono::hours::max(), [&] { log.push_back("hours"); });
  loop.call_at(-infinity, [&] { log.push_back("always"); });
  loop.call_later(10ms, [&] {
    log.push_back("10 ms");
    loop.stop();
  });
  loop.run_until_idle();
  CHECK(log == Log{"always", "10 ms"});
}

TEST_CASE("call_at: what a trace says of it") {
  const auto trace = traced([] {
    EventLoop loop;
    loop.use_virtual_clock();
    loop.call_at(7s, [] {});
    loop.run_until_idle();
  });
  const Log events{
      "i timer set {\"when\":7}",
      "X wait {\"timeout\":7,\"ready\":0}",
      "i timer fired {\"when\":7}",
  };
  CHECK(missing(trace, events) == Log());
}

}  // namespace test_call_at
