#include "common/testing.hpp"

#include <string>

#include "event_loop.hpp"

using asyncio::EventLoop;

TEST_CASE("stopping: the round is finished, what it queued waits") {
  EventLoop loop;
  std::string called;
  loop.call_soon([&] {
    called += "a";
    loop.call_soon([&] { called += "c"; });
    loop.stop();
  });
  loop.call_soon([&] { called += "b"; });
  loop.run_forever();
  CHECK(called == "ab");
  loop.call_soon([&] { loop.stop(); });
  loop.run_forever();
  CHECK(called == "abc");
}

TEST_CASE("stopping: before the start means one round") {
  EventLoop loop;
  std::string called;
  loop.call_soon([&] {
    called += "a";
    loop.call_soon([&] { called += "b"; });
  });
  loop.stop();
  loop.run_forever();
  CHECK(called == "a");
}

TEST_CASE("stopping: a loop with nothing to do does not wait") {
  EventLoop loop;
  loop.stop();
  loop.run_forever();
}

TEST_CASE("stopping: it holds for one run only") {
  EventLoop loop;
  int rounds = 0;
  const auto count = [&](auto& self) -> void {
    if (++rounds % 3 == 0) {
      loop.stop();
    }
    loop.call_soon([&] { self(self); });
  };
  loop.call_soon([&] { count(count); });
  loop.run_forever();
  CHECK(rounds == 3);
  loop.run_forever();
  CHECK(rounds == 6);
}
