#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_virtual_clock {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Seconds steady_now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

TEST_CASE("virtual_clock: begins at zero and stands still") {
  Loop loop;
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

TEST_CASE("virtual_clock: a year takes no time") {
  Loop loop;
  std::vector<double> days;
  std::function<void()> day = [&] {
    days.push_back(loop.time() / 24h);
    if (days.size() < 365) {
      loop.call_later(24h, day);
    }
  };
  loop.call_later(24h, day);
  loop.run_until_idle();
  REQUIRE(days.size() == 365);
  CHECK(days.front() == 1);
  CHECK(days.back() == 365);
}

TEST_CASE("virtual_clock: stands still while anybody can go on") {
  Loop loop;
  Log log;
  loop.call_later(1s, [&] { log.push_back("timer"); });
  int steps = 0;
  std::function<void()> step = [&] {
    CHECK(loop.time() == 0s);
    if (++steps < 100) {
      loop.call_soon(step);
    } else {
      log.push_back("steps");
    }
  };
  loop.call_soon(step);
  loop.run_until_idle();
  CHECK(log == Log{"steps", "timer"});
}

Coroutine<> receive(Socket reader, EventLoop* loop, Log* log) {
  for (int i = 0; i < 2; ++i) {
    log->push_back(co_await sock_recv(reader, 10));
    CHECK(loop->time() == Seconds(i));
  }
}

TEST_CASE("virtual_clock: descriptors come first") {
  Loop loop;
  Log log;
  const auto [left, right] = stream_pair();
  const Socket writer(right, loop);
  REQUIRE(::send(writer, "before", 6, 0) == 6);
  create_task(receive(Socket(left, loop), &loop, &log), loop);
  loop.call_later(1s, [&] {
    log.push_back("timer");
    CHECK(::send(writer, "after", 5, 0) == 5);
  });
  loop.call_later(2s, [&] { log.push_back("later"); });
  loop.run_until_idle();
  CHECK(log == Log{"before", "timer", "after", "later"});
}

TEST_CASE("virtual_clock: each loop has its own") {
  Loop one;
  Loop other;
  one.call_later(5s, [] {});
  one.run_until_idle();
  CHECK(one.time() == 5s);
  CHECK(other.time() == 0s);
}

TEST_CASE("virtual_clock: can be advanced, and then the timers are due") {
  EventLoop loop;
  CHECK_THROWS_AS(loop.advance(1s), std::logic_error);
  loop.use_virtual_clock();
  std::vector<int> log;
  loop.call_later(1s, [&] { log.push_back(1); });
  loop.call_later(3s, [&] { log.push_back(3); });
  loop.advance(2s);
  CHECK(loop.time() == 2s);
  loop.call_soon([&] { log.push_back(0); });
  loop.run_once();
  CHECK(log == std::vector<int>{0, 1});
  CHECK(loop.time() == 2s);
}

TEST_CASE("virtual_clock: a wait that would never end is an error") {
  EventLoop loop;
  loop.use_virtual_clock();
  const auto [here, there] = stream_pair();
  const Socket left(here, loop);
  const Socket right(there, loop);
  CHECK_THROWS_WITH_AS(
      loop.run_once(), "nothing left to wait for", std::logic_error);
  loop.add_reader(left, [] {});
  CHECK_THROWS_AS(loop.run_once(), std::logic_error);
  // With something to read there is no need to wait.
  REQUIRE(::send(right, "x", 1, 0) == 1);
  loop.run_once();
}

}  // namespace test_virtual_clock
