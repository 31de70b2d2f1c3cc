#include <algorithm>
#include <functional>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_call_later {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

TEST_CASE("call_later: in the order of the deadlines") {
  Loop loop;
  Log log;
  loop.call_later(3s, [&] { log.push_back("three"); });
  loop.call_later(1s, [&] { log.push_back("one"); });
  loop.call_later(2s, [&] { log.push_back("two"); });
  loop.run_until_idle();
  CHECK(log == Log{"one", "two", "three"});
}

TEST_CASE("call_later: many, in the order of the deadlines") {
  Loop loop;
  std::vector<Seconds> times;
  unsigned random = 1;
  for (int i = 0; i < 2000; ++i) {
    random = random * 1664525u + 1013904223u;
    const Seconds delay(random % 1000u);
    loop.call_later(delay, [&, delay] {
      CHECK(loop.time() == delay);
      times.push_back(delay);
    });
  }
  loop.run_until_idle();
  CHECK(times.size() == 2000);
  CHECK(std::is_sorted(times.begin(), times.end()));
}

TEST_CASE("call_later: equal deadlines first-in first-out") {
  Loop loop;
  std::vector<int> log;
  std::vector<int> expected;
  for (int i = 0; i < 1000; ++i) {
    loop.call_later(1s, [&, i] { log.push_back(i); });
    expected.push_back(i);
  }
  loop.run_until_idle();
  CHECK(log == expected);
}

TEST_CASE("call_later: any unit of time") {
  Loop loop;
  Log log;
  loop.call_later(1min, [&] { log.push_back("1 min"); });
  loop.call_later(Seconds(1.5), [&] { log.push_back("1.5 s"); });
  loop.call_later(1400ms, [&] { log.push_back("1400 ms"); });
  loop.call_later(1450000us, [&] { log.push_back("1450000 us"); });
  loop.run_until_idle();
  CHECK(log == Log{"1400 ms", "1450000 us", "1.5 s", "1 min"});
  CHECK(loop.time() == 60s);
}

TEST_CASE("call_later: no delay, or a negative one: soon, but not at once") {
  Loop loop;
  int calls = 0;
  const auto call = [&] {
    ++calls;
    // The clock does not go back.
    CHECK(loop.time() == 0s);
  };
  loop.call_later(0s, call);
  loop.call_later(-5s, call);
  CHECK(calls == 0);
  loop.run_until_idle();
  CHECK(calls == 2);
}

TEST_CASE("call_later: from inside a callback, counted from there") {
  Loop loop;
  std::vector<double> times;
  loop.call_later(1s, [&] {
    times.push_back(loop.time().count());
    loop.call_later(2s, [&] { times.push_back(loop.time().count()); });
    loop.call_later(500ms, [&] { times.push_back(loop.time().count()); });
  });
  loop.call_later(2s, [&] { times.push_back(loop.time().count()); });
  loop.run_until_idle();
  CHECK(times == std::vector<double>{1, 1.5, 2, 3});
}

TEST_CASE("call_later: one that repeats does not keep others from running") {
  Loop loop;
  int ticks = 0;
  std::function<void()> tick = [&] {
    if (++ticks < 1000) {
      loop.call_later(0s, tick);
    }
  };
  int before = -1;
  loop.call_soon(tick);
  loop.call_soon([&] {
    loop.call_soon([&] { before = ticks; });
  });
  loop.run_until_idle();
  CHECK(ticks == 1000);
  CHECK(before >= 0);
  CHECK(before < 10);
}

TEST_CASE("call_later: one that throws does not keep others from running") {
  Loop loop;
  Log log;
  loop.set_exception_handler([&](const std::string&, std::exception_ptr error) {
    log.push_back(describe(error));
  });
  loop.call_later(1s, [] { throw std::runtime_error("out of order"); });
  loop.call_later(1s, [&] { log.push_back("same time"); });
  loop.call_later(2s, [&] { log.push_back("later"); });
  loop.run_until_idle();
  CHECK(log == Log{"out of order", "same time", "later"});
}

TEST_CASE("call_later: stop() leaves the later ones for the next run") {
  Loop loop;
  Log log;
  loop.call_later(1s, [&] {
    log.push_back("one");
    loop.stop();
  });
  loop.call_later(2s, [&] {
    log.push_back("two");
    loop.stop();
  });
  loop.run_forever();
  CHECK(log == Log{"one"});
  CHECK(loop.time() == 1s);
  loop.run_until_idle();
  CHECK(log == Log{"one", "two"});
}

TEST_CASE("call_later: what is due without memory is called later") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    EventLoop loop;
    loop.use_virtual_clock();
    // More than the queue has places for.
    int called = 0;
    for (int i = 0; i < 100; ++i) {
      loop.call_later(1s, [&called, i] { called += called == i; });
    }
    loop.advance(1s);
    try {
      const FailingAllocation failing(k);
      loop.run_once();
      has_failed = failing.has_failed();
    } catch (const std::bad_alloc&) {
    }
    loop.run_until_idle();
    CHECK(called == 100);
  }
}

TEST_CASE("call_later: on the real clock") {
  EventLoop loop;
  Log log;
  const Seconds start = loop.time();
  loop.call_later(20ms, [&] { log.push_back("second"); });
  loop.call_later(10ms, [&] { log.push_back("first"); });
  loop.run_until_idle();
  CHECK(log == Log{"first", "second"});
  CHECK(loop.time() - start >= 20ms);
}

TEST_CASE("call_later: a closed loop takes no timer") {
  EventLoop loop;
  loop.close();
  CHECK_THROWS_AS(loop.call_later(1s, [] {}), std::logic_error);
  CHECK_THROWS_AS(loop.call_at(loop.time(), [] {}), std::logic_error);
}

TEST_CASE("call_later: what timers own may set others while the loop closes") {
  struct Sets {
    Sets(EventLoop& l, int* s, int left) : loop(l), set(s), more(left) {}
    Sets(const Sets&) = delete;
    Sets& operator=(const Sets&) = delete;
    ~Sets() {
      ++*set;
      if (more > 0) {
        const auto next = std::make_shared<Sets>(loop, set, more - 1);
        if (more % 2 == 0) {
          loop.call_later(1h, [next] {});
        } else {
          loop.call_soon([next] {});
        }
      }
    }
    EventLoop& loop;
    int* set;
    int more;
  };
  int set = 0;
  {
    EventLoop loop;
    const auto first = std::make_shared<Sets>(loop, &set, 5);
    loop.call_later(1h, [first] {});
  }
  CHECK(set == 6);
}

TEST_CASE("call_later: closing frees a callback that owns its own handle") {
  const auto handle = std::make_shared<TimerHandle>();
  {
    EventLoop loop;
    *handle = loop.call_later(1h, [handle] {});
    CHECK(handle.use_count() == 2);
  }
  CHECK(handle.use_count() == 1);
}

}  // namespace test_call_later
