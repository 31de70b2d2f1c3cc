#include "common/testing.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <optional>
#include <stdexcept>

#include <sys/select.h>
#include <sys/time.h>

#include "event_loop.hpp"
#include "pair.hpp"

using asyncio::EVENT_READ;
using asyncio::EVENT_WRITE;
using asyncio::EventLoop;
using asyncio::Seconds;
using asyncio::SelectSelector;
using test_select_loop::Pair;

namespace test_selector {

/// What is ready is told at once; this only ends a test that would hang.
constexpr Seconds plenty(1);

/// Interrupts whatever the process waits in, every millisecond.
class Ticks {
 public:
  Ticks() {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    set(1000);
  }
  ~Ticks() {
    set(0);
    // One may still be on its way: under valgrind that takes a while.
    ::signal(SIGALRM, SIG_IGN);
  }
  Ticks(const Ticks&) = delete;
  Ticks& operator=(const Ticks&) = delete;

 private:
  static void set(int microseconds) {
    itimerval time = {};
    time.it_value.tv_usec = microseconds;
    time.it_interval.tv_usec = microseconds;
    ::setitimer(ITIMER_REAL, &time, nullptr);
  }
};

}  // namespace test_selector

using test_selector::plenty;

TEST_CASE("selector: nothing to watch, no time to wait") {
  SelectSelector selector;
  CHECK(selector.select(Seconds(0)).empty());
  CHECK(selector.select(Seconds(-1)).empty());
  CHECK(selector.get_map().empty());
}

TEST_CASE("selector: tells of the events that were asked for") {
  const Pair pair;
  SelectSelector selector;
  selector.register_(pair.here, EVENT_READ);
  CHECK(selector.select(Seconds(0)).empty());
  pair.send();
  auto ready = selector.select(plenty);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].first.fd == pair.here);
  CHECK(ready[0].first.events == EVENT_READ);
  CHECK(ready[0].second == EVENT_READ);

  selector.modify(pair.here, EVENT_READ | EVENT_WRITE);
  ready = selector.select(plenty);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == (EVENT_READ | EVENT_WRITE));

  selector.modify(pair.here, EVENT_WRITE);
  ready = selector.select(plenty);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == EVENT_WRITE);

  selector.unregister(pair.here);
  CHECK(selector.select(Seconds(0)).empty());
}

TEST_CASE("selector: the highest descriptor need not be the last one") {
  const Pair pair;
  const int high = std::max(pair.here, pair.there);
  const int low = std::min(pair.here, pair.there);
  SelectSelector selector;
  selector.register_(high, EVENT_WRITE);
  selector.register_(low, EVENT_READ);
  const auto ready = selector.select(plenty);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].first.fd == high);
}

TEST_CASE("selector: the map shows what is watched") {
  const Pair pair;
  SelectSelector selector;
  selector.register_(pair.here, EVENT_READ);
  selector.register_(pair.there, EVENT_WRITE);
  CHECK(selector.get_map().size() == 2);
  CHECK(selector.get_map().at(pair.there).events == EVENT_WRITE);
  selector.forget(pair.here);
  CHECK(selector.get_map().count(pair.here) == 0);
  selector.forget(pair.here);
}

TEST_CASE("selector: registering twice and the unknown are errors") {
  const Pair pair;
  SelectSelector selector;
  CHECK_THROWS_AS(selector.unregister(pair.here), std::out_of_range);
  CHECK_THROWS_AS(selector.modify(pair.here, EVENT_READ), std::out_of_range);
  selector.register_(pair.here, EVENT_READ);
  CHECK_THROWS_AS(
      selector.register_(pair.here, EVENT_WRITE), std::invalid_argument);
  CHECK(selector.get_map().at(pair.here).events == EVENT_READ);
}

TEST_CASE("selector: there are two events and no others") {
  const Pair pair;
  SelectSelector selector;
  CHECK_THROWS_AS(selector.register_(pair.here, 0), std::invalid_argument);
  CHECK_THROWS_AS(selector.register_(pair.here, 4), std::invalid_argument);
  selector.register_(pair.here, EVENT_READ);
  CHECK_THROWS_AS(selector.modify(pair.here, 0), std::invalid_argument);
  CHECK_THROWS_AS(
      selector.modify(pair.here, EVENT_READ | 8), std::invalid_argument);
  CHECK(selector.get_map().at(pair.here).events == EVENT_READ);
}

TEST_CASE("selector: a descriptor that does not fit in an fd_set is refused") {
  SelectSelector selector;
  CHECK_THROWS_AS(
      selector.register_(FD_SETSIZE, EVENT_READ), std::invalid_argument);
  CHECK_THROWS_AS(
      selector.register_(1000000, EVENT_WRITE), std::invalid_argument);
  CHECK_THROWS_AS(selector.register_(-1, EVENT_READ), std::invalid_argument);
  CHECK(selector.get_map().empty());
}

TEST_CASE("selector: the last one that fits is watched like any other") {
  const int last = FD_SETSIZE - 1;
  if (raise_descriptor_limit() <= last) {
    MESSAGE("skipped: here no descriptor may have the number ", last);
    return;
  }
  const Pair pair;
  REQUIRE(::dup2(pair.here, last) == last);
  SelectSelector selector;
  selector.register_(last, EVENT_READ);
  pair.send();
  const auto ready = selector.select(plenty);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].first.fd == last);
  ::close(last);
}

TEST_CASE("selector: one that was closed while it is watched counts as ready") {
  const Pair pair;
  SelectSelector selector;
  const int closed = ::dup(pair.here);
  selector.register_(closed, EVENT_READ | EVENT_WRITE);
  selector.register_(pair.here, EVENT_READ);
  ::close(closed);
  const auto ready = selector.select(std::nullopt);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].first.fd == closed);
  CHECK(ready[0].second == (EVENT_READ | EVENT_WRITE));
}

TEST_CASE("selector: a signal ends the wait, and nothing is ready") {
  const Pair pair;
  SelectSelector selector;
  selector.register_(pair.here, EVENT_READ);
  const test_selector::Ticks ticks;
  CHECK(selector.select(std::nullopt).empty());
}

TEST_CASE("selector: a signal is no reason for the loop to call anybody") {
  const Pair pair;
  EventLoop loop;
  bool called = false;
  loop.add_reader(pair.here, [&] { called = true; });
  const test_selector::Ticks ticks;
  loop.run_once();
  CHECK_FALSE(called);
}

TEST_CASE("selector: a timeout ends the wait, never too early") {
  const Pair pair;
  SelectSelector selector;
  selector.register_(pair.here, EVENT_READ);
  const auto begin = std::chrono::steady_clock::now();
  CHECK(selector.select(Seconds(0.01)).empty());
  CHECK(std::chrono::steady_clock::now() - begin >= Seconds(0.01));
}

TEST_CASE("selector: nor does a closed one keep the others waiting") {
  const Pair pair;
  const Pair silent;
  const int closed = ::dup(pair.here);
  SelectSelector selector;
  selector.register_(closed, EVENT_READ);
  selector.register_(pair.here, EVENT_READ | EVENT_WRITE);
  selector.register_(silent.here, EVENT_READ);
  ::close(closed);
  pair.send();
  std::map<int, int> events;
  for (const auto& [key, happened] : selector.select(std::nullopt)) {
    events[key.fd] = happened;
  }
  CHECK(events.size() == 2);
  CHECK(events[closed] == EVENT_READ);
  CHECK(events[pair.here] == (EVENT_READ | EVENT_WRITE));
}
