#include <cstddef>

#include "waiting.hpp"

namespace test_one_goes {

using namespace test_waiting;

/// Three that wait for the same; those that `cancelled` names do so in vain.
struct Three {
  explicit Three(std::vector<std::size_t> cancelled) {
    for (const char* name : {"a", "b", "c"}) {
      tasks.push_back(
          create_task(wait_for(&log, name, pair.here, EVENT_READ), loop));
    }
    loop.run_once();
    for (const std::size_t one : cancelled) {
      tasks[one].cancel();
    }
    loop.call_soon([] {});
    loop.run_once();
  }

  Pair pair;
  Log log;
  Loop loop;
  std::vector<Task<>> tasks;
};

TEST_CASE("one_goes: the others go on waiting, and are told") {
  for (const std::size_t one : {0, 1, 2}) {
    CAPTURE(one);
    Three three({one});
    CHECK(three.tasks[one].cancelled());
    CHECK(three.loop.is_watched(three.pair.here, EVENT_READ));
    three.pair.send();
    three.loop.run();
    Log expected{"a", "b", "c"};
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(one));
    CHECK(three.log == expected);
  }
}

TEST_CASE("one_goes: the last one takes the registration with it") {
  Three three({1, 0, 2});
  CHECK_FALSE(three.loop.is_watched(three.pair.here, EVENT_READ));
  three.pair.send();
  three.loop.run();
  CHECK(three.log.empty());
}

TEST_CASE("one_goes: and then somebody else may wait") {
  Three three({0, 1, 2});
  create_task(wait_for(&three.log, "d", three.pair.here, EVENT_READ),
              three.loop);
  three.loop.call_soon([] {});
  three.loop.run_once();
  three.pair.send();
  three.loop.run();
  CHECK(three.log == Log{"d"});
}

TEST_CASE("one_goes: cancelled when all have just been told") {
  Three three({});
  three.pair.send();
  // The descriptor is ready: in this round they are told.
  three.loop.run_once();
  const bool in_time = three.tasks[1].cancel();
  three.loop.run();
  CHECK(in_time);
  CHECK(three.tasks[1].cancelled());
  CHECK(three.log == Log{"a", "c"});
}

}  // namespace test_one_goes
