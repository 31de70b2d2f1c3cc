#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_sleep {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> sleeper(Log* log, std::string name, Seconds delay) {
  co_await sleep(delay);
  log->push_back(name);
}

TEST_CASE("sleep: whoever sleeps shortest goes on first") {
  Loop loop;
  Log log;
  create_task(sleeper(&log, "three", 3s), loop);
  create_task(sleeper(&log, "one", 1s), loop);
  create_task(sleeper(&log, "two", 2s), loop);
  loop.run_until_idle();
  CHECK(log == Log{"one", "two", "three"});
  CHECK(loop.time() == 3s);
}

Coroutine<> one_after_the_other(Log* log) {
  co_await sleeper(log, "three", 3s);
  co_await sleeper(log, "one", 1s);
  co_await sleep(500ms);
  log->push_back("half");
}

TEST_CASE("sleep: awaited one after the other they add up") {
  Loop loop;
  Log log;
  create_task(one_after_the_other(&log), loop);
  loop.run_until_idle();
  CHECK(log == Log{"three", "one", "half"});
  CHECK(loop.time() == 4500ms);
}

TEST_CASE("sleep: equally long: first come, first served") {
  Loop loop;
  Log log;
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    create_task(sleeper(&log, name, 1s), loop);
  }
  loop.run_until_idle();
  CHECK(log == Log{"a", "b", "c", "d", "e"});
}

Coroutine<> count(Log* log, std::string name, Seconds pause) {
  for (int i = 0; i < 3; ++i) {
    log->push_back(name + std::to_string(i));
    co_await sleep(pause);
  }
}

TEST_CASE("sleep: zero lets each of the others run once") {
  for (const Seconds pause : {Seconds(0), Seconds(-1)}) {
    Loop loop;
    Log log;
    create_task(count(&log, "a", pause), loop);
    create_task(count(&log, "b", pause), loop);
    create_task(count(&log, "c", pause), loop);
    loop.run_until_idle();
    CHECK(log == Log{"a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"});
    CHECK(loop.time() == 0s);
  }
}

Coroutine<> poll_until(const bool* done, long* polls) {
  while (!*done) {
    ++*polls;
    co_await sleep(0s);
  }
}

Coroutine<> receive(Socket reader, bool* done) {
  CHECK(co_await sock_recv(reader, 10) == "x");
  *done = true;
}

TEST_CASE("sleep: zero lets descriptors and timers have their turn") {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  const Socket writer(right, loop);
  bool done = false;
  long polls = 0;
  create_task(receive(Socket(left, loop), &done), loop);
  create_task(poll_until(&done, &polls), loop);
  loop.call_later(2ms, [&] { CHECK(::send(writer, "x", 1, 0) == 1); });
  loop.run_until_idle();
  CHECK(done);
  CHECK(polls > 0);
}

Coroutine<> sleeps_until(EventLoop* loop, Seconds delay, long* awake) {
  co_await sleep(delay / 2);
  co_await sleep(delay / 2);
  CHECK(loop->time() == delay);
  ++*awake;
}

TEST_CASE("sleep: zero is a place in the queue, not a timer") {
  Loop loop;
  Log log;
  create_task(sleeper(&log, "slept", 0s), loop);
  loop.call_soon([&] { loop.call_soon([&] { log.push_back("later"); }); });
  loop.run_until_idle();
  CHECK(log == Log{"slept", "later"});
}

TEST_CASE("sleep: thousands at the same time") {
  Loop loop;
  long awake = 0;
  unsigned random = 1;
  double longest = 0;
  for (int i = 0; i < 10000; ++i) {
    random = random * 1664525u + 1013904223u;
    const double delay = 2 * (random % 5000u);
    longest = std::max(longest, delay);
    create_task(sleeps_until(&loop, Seconds(delay), &awake), loop);
  }
  loop.run_until_idle();
  CHECK(awake == 10000);
  CHECK(loop.time().count() == longest);
}

Coroutine<> catches(Log* log) {
  try {
    co_await sleep(Seconds(std::numeric_limits<double>::quiet_NaN()));
    log->push_back("slept");
  } catch (const std::invalid_argument&) {
    log->push_back("refused");
  }
  co_await sleep(1s);
  log->push_back("goes on");
}

TEST_CASE("sleep: what is not a number is refused where it is awaited") {
  Loop loop;
  Log log;
  create_task(catches(&log), loop);
  create_task(sleeper(&log, "other", 2s), loop);
  loop.run_until_idle();
  CHECK(log == Log{"refused", "goes on", "other"});
}

TEST_CASE("sleep: for ever, or nearly") {
  EventLoop loop;
  Log log;
  const Seconds infinity(std::numeric_limits<double>::infinity());
  create_task(sleeper(&log, "for ever", infinity), loop);
  create_task(sleeper(&log, "nearly", Seconds::max()), loop);
  create_task(sleeper(&log, "the past", -infinity), loop);
  loop.call_later(10ms, [&] { loop.stop(); });
  loop.run_until_idle();
  CHECK(log == Log{"the past"});
}

Coroutine<int> answer() {
  co_await sleep(3s);
  co_return 42;
}

Coroutine<> ask(int* result) {
  *result = co_await answer();
}

TEST_CASE("sleep: any depth of coroutines sleeps with the innermost") {
  Loop loop;
  int result = 0;
  create_task(ask(&result), loop);
  loop.call_later(2s, [&] { CHECK(result == 0); });
  loop.run_until_idle();
  CHECK(result == 42);
  CHECK(loop.time() == 3s);
}

TEST_CASE("sleep: what a trace says of it") {
  Log log;
  const auto trace = traced([&] {
    Loop loop;
    create_task(sleeper(&log, "one", 1s), loop);
    loop.run_until_idle();
  });
  const Log events{
      "i timer set {\"when\":1}",
      "b waits for sleep 1 s {\"line\":",
  };
  CHECK(missing(trace, events) == Log());
}

Coroutine<> sleeps_for_a_result(std::string* result) {
  *result = co_await sleep(1s, std::string("slept"));
}

Coroutine<> naps(Log* log, std::string name, Sleep* nap) {
  co_await *nap;
  log->push_back(name);
}

TEST_CASE("sleep: one may be awaited by many, and be gone before they wake") {
  Loop loop;
  Log log;
  std::optional<Sleep> nap(2s);
  create_task(naps(&log, "a", &*nap), loop);
  create_task(naps(&log, "b", &*nap), loop);
  loop.run_once();
  nap.emplace(1s);
  create_task(naps(&log, "c", &*nap), loop);
  loop.run_once();
  nap.emplace(0s);
  loop.run_until_idle();
  CHECK(log == Log{"c", "a", "b"});
  CHECK(loop.time() == 2s);
}

TEST_CASE("sleep: may give a result") {
  EventLoop loop;
  loop.use_virtual_clock();
  std::string result;
  create_task(sleeps_for_a_result(&result), loop);
  loop.run_until_idle();
  CHECK(result == "slept");
  CHECK(loop.time() == 1s);
}

template <class Number>
concept can_sleep = requires(Number number) { asyncio::sleep(number); };

TEST_CASE("sleep: a number of what? POSIX's sleep() is not called instead") {
  CHECK(can_sleep<std::chrono::milliseconds>);
  CHECK_FALSE(can_sleep<int>);
  CHECK_FALSE(can_sleep<double>);
}

}  // namespace test_sleep
