#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_ctrl_c {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// In virtual time: a signal is heard of before the clock moves.
struct VirtualRunner : Runner {
  VirtualRunner() { get_loop().use_virtual_clock(); }
};

Coroutine<> presses(Seconds when) {
  co_await sleep(when);
  std::raise(SIGINT);
}

Coroutine<> works(Log* log) {
  create_task(presses(1s));
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (cancelled) {
    log->push_back("cancelled");
    co_await sleep(5s);
    log->push_back("tidy");
    throw CancelledError();
  }
}

TEST_CASE("ctrl_c: main is cancelled, and may clean up") {
  Log log;
  VirtualRunner runner;
  CHECK_THROWS_AS(runner.run(works(&log)), KeyboardInterrupt);
  CHECK(log == Log{"cancelled", "tidy"});
  CHECK(runner.get_loop().time() == 6s);
}

Coroutine<int> refuses() {
  create_task(presses(1s));
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
  }
  co_return 42;
}

TEST_CASE("ctrl_c: main may refuse, and return something") {
  VirtualRunner runner;
  CHECK(runner.run(refuses()) == 42);
}

Coroutine<> fails() {
  create_task(presses(1s));
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    throw std::runtime_error("broken");
  }
}

TEST_CASE("ctrl_c: another exception goes before") {
  VirtualRunner runner;
  CHECK_THROWS_WITH_AS(runner.run(fails()), "broken", std::runtime_error);
}

TEST_CASE("ctrl_c: while it cleans up, once more: no more cleaning up") {
  Log log;
  VirtualRunner runner;
  runner.get_loop().call_later(2s, [] { std::raise(SIGINT); });
  CHECK_THROWS_AS(runner.run(works(&log)), KeyboardInterrupt);
  CHECK(log == Log{"cancelled"});
  CHECK(runner.get_loop().time() == 2s);
}

Coroutine<> leaves(Log* log) {
  create_task(works(log));
  co_await sleep(1h);
}

TEST_CASE("ctrl_c: cancels main at once, the others at the end") {
  Log log;
  VirtualRunner runner;
  CHECK_THROWS_AS(runner.run(leaves(&log)), KeyboardInterrupt);
  CHECK(log == Log{});
  runner.close();
  CHECK(log == Log{"cancelled", "tidy"});
}

Coroutine<int> answer() {
  co_await sleep(1s);
  co_return 42;
}

TEST_CASE("ctrl_c: the next run is a new one") {
  Log log;
  VirtualRunner runner;
  CHECK_THROWS_AS(runner.run(works(&log)), KeyboardInterrupt);
  CHECK(runner.run(answer()) == 42);
}

int watched(const EventLoop& loop) {
  int count = 0;
  for (int fd = 0; fd < 100; ++fd) {
    count += loop.is_watched(fd, EVENT_READ);
  }
  return count;
}

void (*handler())(int) {
  struct sigaction action {};
  sigaction(SIGINT, nullptr, &action);
  return action.sa_handler;
}

TEST_CASE("ctrl_c: afterwards all is as it was") {
  const auto before = handler();
  const int open = open_descriptors();
  Log log;
  {
    VirtualRunner runner;
    const int watched_before = watched(runner.get_loop());
    CHECK_THROWS_AS(runner.run(works(&log)), KeyboardInterrupt);
    CHECK((handler() == before));
    CHECK(watched(runner.get_loop()) == watched_before);
  }
  CHECK((handler() == before));
  CHECK(open_descriptors() == open);
}

Coroutine<> busy(long* rounds) {
  create_task(presses(0s));
  while (true) {
    ++*rounds;
    co_await sleep(0s);
  }
}

TEST_CASE("ctrl_c: one that is always ready hears of it too") {
  long rounds = 0;
  CHECK_THROWS_AS(run(busy(&rounds)), KeyboardInterrupt);
  CHECK(rounds < 100);
}

TEST_CASE("ctrl_c: a timer that is due dies with its loop") {
  const auto handle = std::make_shared<TimerHandle>();
  {
    EventLoop loop;
    loop.use_virtual_clock();
    loop.call_later(1s, [] { throw KeyboardInterrupt(); });
    *handle = loop.call_later(1s, [handle] {});
    CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
    CHECK(handle.use_count() == 2);
  }
  CHECK(handle.use_count() == 1);
}

TEST_CASE("ctrl_c: a timer that is due is called by the next run") {
  Log log;
  EventLoop loop;
  loop.use_virtual_clock();
  loop.call_later(1s, [] { throw KeyboardInterrupt(); });
  loop.call_later(1s, [&] { log.push_back("first"); });
  loop.call_later(1s, [&] { log.push_back("cancelled"); }).cancel();
  TimerHandle late = loop.call_later(1s, [&] { log.push_back("late"); });
  loop.call_later(1s, [&] { log.push_back("second"); });
  CHECK_THROWS_AS(loop.run_forever(), KeyboardInterrupt);
  late.cancel();
  loop.call_later(0s, [&] { log.push_back("third"); });
  loop.run_until_idle();
  CHECK(log == Log{"first", "second", "third"});
}

}  // namespace test_ctrl_c
