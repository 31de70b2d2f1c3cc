#include <algorithm>
#include <memory>

#include "waiting.hpp"

namespace test_closing {

using namespace test_waiting;

/// Two wait for a socket that is closed then; its number is given to another.
struct Closed {
  Closed() {
    const auto [left, right] = stream_pair();
    socket = std::make_unique<Socket>(left, loop);
    other = std::make_unique<Socket>(right, loop);
    number = socket->fileno();
    first = create_task(wait_for(&log, "first", number, EVENT_READ), loop);
    second = create_task(wait_for(&log, "second", number, EVENT_READ), loop);
    loop.run_once();
    socket->close();
    CHECK(::dup2(pair.here, number) == number);
  }
  ~Closed() {
    loop.forget(number);
    ::close(number);
  }

  Pair pair;
  Log log;
  Loop loop;
  std::unique_ptr<Socket> socket;
  std::unique_ptr<Socket> other;
  int number = -1;
  AnyTask first;
  AnyTask second;
};

TEST_CASE("closing: said once, however many wait") {
  Closed closed;
  REQUIRE(closed.loop.reports.size() == 1);
  CHECK(closed.loop.reports[0].find("is closed while") != std::string::npos);
  CHECK_FALSE(closed.loop.is_watched(closed.number, EVENT_READ));
}

TEST_CASE("closing: they do not hear of the number's next owner") {
  Closed closed;
  create_task(wait_for(&closed.log, "next", closed.number, EVENT_READ),
              closed.loop);
  closed.loop.call_soon([] {});
  closed.loop.run_once();
  closed.pair.send();
  for (int i = 0; i < 5; ++i) {
    closed.loop.call_soon([] {});
    closed.loop.run_once();
  }
  CHECK(closed.log == Log{"next"});
  CHECK_FALSE(closed.first.done());
}

TEST_CASE("closing: when they go, the next owner still hears") {
  Closed closed;
  create_task(wait_for(&closed.log, "next", closed.number, EVENT_READ),
              closed.loop);
  closed.loop.call_soon([] {});
  closed.loop.run_once();
  closed.first.cancel();
  closed.second.cancel();
  closed.loop.call_soon([] {});
  closed.loop.run_once();
  CHECK(closed.loop.is_watched(closed.number, EVENT_READ));
  closed.pair.send();
  closed.loop.run();
  CHECK(closed.log == Log{"next"});
}

TEST_CASE("closing: the loop may close while several wait") {
  const Pair pair;
  Log log;
  Loop loop;
  create_task(wait_for(&log, "a", pair.here, EVENT_READ), loop);
  create_task(wait_for(&log, "b", pair.here, EVENT_READ), loop);
  loop.run_once();
  loop.close();
  CHECK(log.empty());
  CHECK_FALSE(loop.is_watched(pair.here, EVENT_READ));
  // One for each task that was destroyed, and no other.
  CHECK(loop.reports.size() == 2);
}

}  // namespace test_closing
