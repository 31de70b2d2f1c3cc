#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_timer_cancel {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

TEST_CASE("timer_cancel: when() tells the time") {
  Loop loop;
  CHECK(loop.call_at(3s, [] {}).when() == 3s);
  loop.call_later(1s, [&] { CHECK(loop.call_later(3s, [] {}).when() == 4s); });
  loop.run_until_idle();
}

TEST_CASE("timer_cancel: before it is due") {
  Loop loop;
  Log log;
  loop.call_later(1s, [&] { log.push_back("one"); });
  TimerHandle timer = loop.call_later(2s, [&] { log.push_back("two"); });
  loop.call_later(3s, [&] { log.push_back("three"); });
  CHECK_FALSE(timer.cancelled());
  timer.cancel();
  CHECK(timer.cancelled());
  CHECK(timer.when() == 2s);
  loop.run_until_idle();
  CHECK(log == Log{"one", "three"});
}

TEST_CASE("timer_cancel: by an earlier callback") {
  Loop loop;
  Log log;
  TimerHandle timer = loop.call_later(2s, [&] { log.push_back("two"); });
  loop.call_later(1s, [&] {
    log.push_back("one");
    timer.cancel();
  });
  loop.run_until_idle();
  CHECK(log == Log{"one"});
}

TEST_CASE("timer_cancel: by another that is due at the same time") {
  Loop loop;
  Log log;
  TimerHandle second;
  loop.call_later(1s, [&] {
    log.push_back("first");
    second.cancel();
  });
  second = loop.call_later(1s, [&] { log.push_back("second"); });
  loop.call_later(1s, [&] { log.push_back("third"); });
  loop.run_until_idle();
  CHECK(second.cancelled());
  CHECK(log == Log{"first", "third"});
}

TEST_CASE("timer_cancel: by a descriptor's callback in the same round") {
  EventLoop loop;
  Log log;
  const auto [left, right] = stream_pair();
  const Socket reader(left, loop);
  const Socket writer(right, loop);
  REQUIRE(::send(writer, "x", 1, 0) == 1);
  TimerHandle timeout;
  loop.add_reader(reader, [&] {
    log.push_back("read");
    loop.remove_reader(reader);
    timeout.cancel();
  });
  timeout = loop.call_later(0s, [&] { log.push_back("timeout"); });
  loop.run_until_idle();
  CHECK(log.front() == "read");
  CHECK(log.size() == 1);
}

TEST_CASE("timer_cancel: twice") {
  Loop loop;
  int calls = 0;
  TimerHandle timer = loop.call_later(1s, [&] { ++calls; });
  loop.call_later(2s, [&] { ++calls; });
  timer.cancel();
  timer.cancel();
  loop.run_until_idle();
  CHECK(calls == 1);
}

TEST_CASE("timer_cancel: by a copy of the handle") {
  Loop loop;
  int calls = 0;
  TimerHandle timer = loop.call_later(1s, [&] { ++calls; });
  TimerHandle copy = timer;
  loop.call_later(2s, [&] { ++calls; });
  copy.cancel();
  CHECK(timer.cancelled());
  timer.cancel();
  loop.run_until_idle();
  CHECK(calls == 1);
}

TEST_CASE("timer_cancel: after it ran") {
  Loop loop;
  int calls = 0;
  TimerHandle timer = loop.call_later(1s, [&] { ++calls; });
  loop.run_until_idle();
  CHECK_FALSE(timer.cancelled());
  timer.cancel();
  loop.call_soon([&] { ++calls; });
  loop.call_later(1s, [&] { ++calls; });
  timer.cancel();
  loop.run_until_idle();
  CHECK(calls == 3);
}

TEST_CASE("timer_cancel: from its own callback") {
  Loop loop;
  Log log;
  const std::string text = "a text that does not fit into the string itself";
  TimerHandle timer;
  timer = loop.call_later(1s, [&, text] {
    timer.cancel();
    log.push_back(text);
  });
  loop.call_later(1s, [&] { log.push_back("the next one"); });
  loop.run_until_idle();
  CHECK(log == Log{text, "the next one"});
}

TEST_CASE("timer_cancel: lets go at once of what the callback owns") {
  Loop loop;
  const auto owned = std::make_shared<int>(42);
  TimerHandle timer = loop.call_later(1h, [owned] {});
  CHECK(owned.use_count() == 2);
  timer.cancel();
  CHECK(owned.use_count() == 1);
}

TEST_CASE("timer_cancel: a callback that ran is let go of") {
  Loop loop;
  const auto owned = std::make_shared<int>(42);
  const TimerHandle timer = loop.call_later(1s, [owned] {});
  loop.run_until_idle();
  CHECK(owned.use_count() == 1);
}

/// Its timer's callback may be the only one that keeps it.
struct Connection {
  explicit Connection(bool* its_end) : end(its_end) {}
  ~Connection() { *end = true; }
  bool* end;
  TimerHandle timeout;
};

TEST_CASE("timer_cancel: the callback may own its handle") {
  Loop loop;
  bool end = false;
  auto owner = std::make_shared<Connection>(&end);
  Connection& connection = *owner;
  connection.timeout = loop.call_later(1h, [owner] {});
  owner.reset();
  CHECK_FALSE(end);
  connection.timeout.cancel();
  CHECK(end);
  loop.run_until_idle();
}

TEST_CASE("timer_cancel: an empty handle") {
  TimerHandle timer;
  timer.cancel();
  CHECK_FALSE(timer.cancelled());
  CHECK(timer.when() == 0s);
}

TEST_CASE("timer_cancel: a handle may outlive its loop") {
  TimerHandle waits;
  TimerHandle ran;
  TimerHandle cancelled;
  {
    Loop loop;
    ran = loop.call_later(1s, [] {});
    waits = loop.call_later(1h, [] {});
    cancelled = loop.call_later(1h, [] {});
    cancelled.cancel();
    loop.call_later(2s, [&] { loop.stop(); });
    loop.run_until_idle();
  }
  for (TimerHandle* timer : {&waits, &ran, &cancelled}) {
    timer->cancel();
    CHECK(timer->cancelled());
  }
  CHECK(waits.when() == 1h);
}

TEST_CASE("timer_cancel: what a trace says of it") {
  const auto trace = traced([] {
    Loop loop;
    TimerHandle timer = loop.call_at(7s, [] {});
    timer.cancel();
    loop.run_until_idle();
  });
  const Log events{
      "i timer set {\"when\":7}",
      "i timer cancelled {\"when\":7}",
  };
  CHECK(missing(trace, events) == Log());
}

}  // namespace test_timer_cancel
