#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_lazy_deletion {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

TEST_CASE("lazy_deletion: nobody waits for cancelled timers") {
  Loop loop;
  std::vector<TimerHandle> timers;
  for (int i = 1; i <= 10; ++i) {
    timers.push_back(loop.call_later(Seconds(i), [] {}));
  }
  for (TimerHandle& timer : timers) {
    timer.cancel();
  }
  loop.run_until_idle();
  CHECK(loop.time() == 0s);
}

TEST_CASE("lazy_deletion: the real clock does not either") {
  EventLoop loop;
  const Seconds start = loop.time();
  loop.call_later(1h, [] {}).cancel();
  loop.call_later(1ms, [&] { loop.call_later(2h, [] {}).cancel(); });
  loop.run_until_idle();
  CHECK(loop.time() < start + 1h);
}

TEST_CASE("lazy_deletion: ends although cancelled ones are behind others") {
  Loop loop;
  TimerHandle last = loop.call_later(1h, [] {});
  TimerHandle middle = loop.call_later(30min, [] {});
  loop.call_later(1s, [&] {
    last.cancel();
    middle.cancel();
  });
  loop.run_until_idle();
  CHECK(loop.time() == 1s);
}

TEST_CASE("lazy_deletion: no jump to a timer that is cancelled") {
  Loop loop;
  loop.call_later(1h, [] {}).cancel();
  loop.call_later(1s, [] {});
  loop.run_until_idle();
  CHECK(loop.time() == 1s);
}

TEST_CASE("lazy_deletion: does not wait for one in front") {
  Loop loop;
  std::vector<Seconds> times;
  TimerHandle front = loop.call_later(1s, [&] { times.push_back(1s); });
  loop.call_later(5s, [&] { times.push_back(loop.time()); });
  front.cancel();
  loop.run_once();
  CHECK(times == std::vector<Seconds>{5s});
}

/// Sets `count` timers, cancels all but each `keep`th; the others must run, in
/// order.
void set_and_cancel(int count, int keep) {
  CAPTURE(count);
  CAPTURE(keep);
  Loop loop;
  std::vector<int> ran;
  std::vector<int> expected;
  std::vector<TimerHandle> timers;
  for (int i = 0; i < count; ++i) {
    // Deadlines in groups of ten, from back to front.
    const Seconds when((count - i) / 10);
    timers.push_back(loop.call_at(when, [&, i] { ran.push_back(i); }));
  }
  for (int i = 0; i < count; ++i) {
    if (i % keep != 0) {
      timers[static_cast<std::size_t>(i)].cancel();
    }
  }
  for (int when = 0; when <= count / 10; ++when) {
    for (int i = 0; i < count; i += keep) {
      if ((count - i) / 10 == when) {
        expected.push_back(i);
      }
    }
  }
  loop.run_until_idle();
  CHECK(ran == expected);
}

TEST_CASE("lazy_deletion: the others run, in order") {
  for (int count : {1, 2, 99, 100, 101, 102, 200, 1000}) {
    for (int keep : {1, 2, 3, 10, 2000}) {
      set_and_cancel(count, keep);
    }
  }
}

TEST_CASE("lazy_deletion: cancelled while others are due, swept, set again") {
  Loop loop;
  int calls = 0;
  std::vector<TimerHandle> timers;
  for (int i = 0; i < 300; ++i) {
    timers.push_back(loop.call_later(Seconds(10 + i), [&] { ++calls; }));
  }
  loop.call_later(1s, [&] {
    for (int i = 0; i < 250; ++i) {
      timers[static_cast<std::size_t>(i)].cancel();
    }
  });
  // After the sweep: these are no longer in the heap, or cancelled already.
  loop.call_later(2s, [&] {
    for (int i = 200; i < 300; ++i) {
      timers[static_cast<std::size_t>(i)].cancel();
    }
    loop.call_later(1s, [&] { calls += 1000; });
  });
  loop.run_until_idle();
  CHECK(calls == 1000);
  CHECK(loop.time() == 3s);
}

TEST_SUITE("huge") {
TEST_CASE("lazy_deletion: a million cancelled ones do not pile up") {
  Loop loop;
  const std::size_t before = allocated_bytes();
  std::size_t most = before;
  bool last = false;
  // In front of all others, so that those do not come to the front.
  loop.call_later(1s, [&] { last = true; });
  int rounds = 0;
  std::function<void()> time_out_nothing = [&] {
    most = std::max(most, allocated_bytes());
    for (int i = 0; i < 10000; ++i) {
      loop.call_later(1h, [] {}).cancel();
    }
    if (++rounds < 100) {
      loop.call_soon(time_out_nothing);
    }
  };
  loop.call_soon(time_out_nothing);
  loop.run_until_idle();
  CHECK(last);
  CHECK(rounds == 100);
  if (most == before) {
    MESSAGE("skipped: nobody says here how much memory is taken");
  }
  // What those of a round or two take, not of a hundred.
  CHECK(most - before < 10'000'000);
}
}

}  // namespace test_lazy_deletion
