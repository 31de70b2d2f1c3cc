#include <chrono>
#include <functional>
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

}  // namespace test_virtual_clock
