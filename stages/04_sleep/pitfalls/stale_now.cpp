// The loop reads its clock once a round and goes on using that time while slow
// callbacks run. A timeout that is counted from it is too long, by as long as
// the callbacks took; a deadline that is counted from it is too early.
//
// Cure: read the clock where its time is used: in call_later(), before the
// wait, and again after it. The vDSO makes that a matter of nanoseconds.
//
// Prints:
//   stale timeout: asked for 300 ms, called after 500 ms
//   stale deadline: asked for 100 ms, called after 0 ms
//   fresh: asked for 300 ms, called after 300 ms
//   fresh: asked for 100 ms, called after 100 ms
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <thread>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

struct Loop {
  bool stale_deadline;
  bool stale_timeout;
  Time now = Clock::now();
  std::multimap<Time, std::function<void()>> timers = {};

  void call_later(Clock::duration delay, std::function<void()> callback) {
    const Time start = stale_deadline ? now : Clock::now();
    timers.emplace(start + delay, std::move(callback));
  }

  void run() {
    while (!timers.empty()) {
      now = Clock::now();
      while (!timers.empty() && timers.begin()->first <= now) {
        timers.extract(timers.begin()).mapped()();
      }
      if (!timers.empty()) {
        const Time start = stale_timeout ? now : Clock::now();
        std::this_thread::sleep_for(timers.begin()->first - start);
      }
    }
  }
};

static void ask_for(Loop& loop, Clock::duration delay, const char* what) {
  loop.call_later(delay, [=, start = Clock::now()] {
    const auto ms = (Clock::now() - start) / 1ms;
    std::printf("%s: asked for %d ms, called after %d ms\n", what,
                int(delay / 1ms), int(ms / 50 * 50));
  });
}

static void slow() { std::this_thread::sleep_for(200ms); }

// The timer is set before the slow callback, in the same round.
static void before(Loop loop, const char* what) {
  loop.call_later(0s, [&loop, what] { ask_for(loop, 300ms, what); });
  loop.call_later(0s, slow);
  loop.run();
}

// The slow callback sets the timer when it is done.
static void after(Loop loop, const char* what) {
  loop.call_later(0s, [&loop, what] {
    slow();
    ask_for(loop, 100ms, what);
  });
  loop.run();
}

int main() {
  before(Loop{false, true}, "stale timeout");
  after(Loop{true, false}, "stale deadline");
  before(Loop{false, false}, "fresh");
  after(Loop{false, false}, "fresh");
}
