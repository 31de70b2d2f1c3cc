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
  CHECK(days.size() == 365);
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

TEST_CASE("virtual_clock: jumps from one deadline to the next, exactly") {
  Loop loop;
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

TEST_CASE("virtual_clock: no jump to a timer that is cancelled") {
  Loop loop;
  loop.call_later(1h, [] {}).cancel();
  loop.call_later(1s, [] {});
  loop.run_until_idle();
  CHECK(loop.time() == 1s);
}

}  // namespace test_virtual_clock
