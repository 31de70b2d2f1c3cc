#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_event {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> counts(Event* event, int* count) {
  const bool result = co_await event->wait();
  CHECK(result);
  ++*count;
}

TEST_CASE("event: set() wakes all") {
  Loop loop;
  Event event;
  int count = 0;
  for (int i = 0; i < 3; ++i) {
    create_task(counts(&event, &count), loop);
  }
  loop.call_later(1s, [&] {
    CHECK(count == 0);
    event.set();
  });
  loop.run_until_idle();
  CHECK(count == 3);
  CHECK(event.is_set());
}

TEST_CASE("event: one that is set is no wait") {
  Loop loop;
  Event event;
  event.set();
  int count = 0;
  loop.run_until_complete(counts(&event, &count));
  CHECK(count == 1);
}

TEST_CASE("event: set and cleared at once, it has happened all the same") {
  Loop loop;
  Event event;
  int count = 0;
  create_task(counts(&event, &count), loop);
  loop.call_later(1s, [&] {
    event.set();
    event.clear();
  });
  loop.run_until_idle();
  CHECK(count == 1);
  CHECK(!event.is_set());
}

TEST_CASE("event: cleared, one has to wait again") {
  Loop loop;
  Event event;
  event.set();
  event.clear();
  int count = 0;
  create_task(counts(&event, &count), loop);
  loop.call_later(5s, [&] { event.set(); });
  loop.run_until_idle();
  CHECK(loop.time() == 5s);
}

}  // namespace test_event
