#include "common/testing.hpp"

#include <stdexcept>

#include "event_loop.hpp"

using asyncio::EventLoop;

TEST_CASE("running: a loop knows whether it is") {
  EventLoop loop;
  EventLoop other;
  bool running = false;
  bool other_running = true;
  loop.call_soon([&] {
    running = loop.is_running();
    other_running = other.is_running();
  });
  CHECK_FALSE(loop.is_running());
  loop.run_once();
  CHECK(running);
  CHECK_FALSE(other_running);
  CHECK_FALSE(loop.is_running());
}

TEST_CASE("running: not from inside, neither this loop nor another") {
  EventLoop loop;
  EventLoop other;
  other.call_soon([] {});  // or it would wait
  int errors = 0;
  const auto try_to_run = [&](EventLoop& inner) {
    try {
      inner.run_once();
    } catch (const std::logic_error&) {
      ++errors;
    }
  };
  loop.call_soon([&] {
    try_to_run(loop);
    try_to_run(other);
  });
  bool called = false;
  loop.call_soon([&] { called = true; });
  loop.run_once();
  CHECK(errors == 2);
  CHECK(called);
}

TEST_CASE("running: a failed attempt from inside leaves the loop as it was") {
  EventLoop loop;
  bool still = false;
  loop.call_soon([&] {
    CHECK_THROWS_AS(loop.run_forever(), std::logic_error);
    still = loop.is_running();
  });
  loop.run_once();
  CHECK(still);
  CHECK_FALSE(loop.is_running());
}

TEST_CASE("running: a failed attempt from inside leaves stop() as it was") {
  EventLoop loop;
  EventLoop other;
  bool in_vain = false;
  loop.call_soon([&] {
    loop.stop();
    other.stop();
    CHECK_THROWS_AS(loop.run_forever(), std::logic_error);
    CHECK_THROWS_AS(other.run_forever(), std::logic_error);
    loop.call_soon([&] {
      in_vain = true;
      loop.stop();
    });
  });
  loop.run_forever();
  CHECK_FALSE(in_vain);
  bool called = false;
  other.call_soon([&] { other.call_soon([&] { called = true; }); });
  other.run_forever();
  CHECK_FALSE(called);
}

TEST_CASE("running: one loop after the other") {
  int called = 0;
  for (int i = 0; i < 2; ++i) {
    EventLoop loop;
    loop.call_soon([&] { ++called; });
    loop.run_once();
  }
  CHECK(called == 2);
}
