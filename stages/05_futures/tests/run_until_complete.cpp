#include <unistd.h>

#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"

namespace test_run_until_complete {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

TEST_CASE("run_until_complete: returns the result") {
  Loop loop;
  const Future<int> future(loop);
  loop.call_later(2s, [=] { future.set_result(42); });
  CHECK(loop.run_until_complete(future) == 42);
  CHECK(loop.time() == 2s);
}

TEST_CASE("run_until_complete: leaves the others where they are") {
  Loop loop;
  Log log;
  const Future<> future(loop);
  loop.call_later(1s, [=] { future.set_result(); });
  loop.call_later(2s, [&] { log.push_back("later"); });
  loop.run_until_complete(future);
  CHECK(log.empty());
  loop.run_until_idle();
  CHECK(log == Log{"later"});
}

TEST_CASE("run_until_complete: throws the exception") {
  Loop loop;
  const Future<int> future(loop);
  loop.call_soon([=] { future.set_exception(std::out_of_range("far")); });
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(future), "far", std::out_of_range);
}

TEST_CASE("run_until_complete: throws CancelledError") {
  Loop loop;
  const Future<int> future(loop);
  loop.call_soon([=] { future.cancel(); });
  CHECK_THROWS_AS(loop.run_until_complete(future), CancelledError);
}

TEST_CASE("run_until_complete: one that is done already") {
  Loop loop;
  const Future<int> future(loop);
  future.set_result(7);
  CHECK(loop.run_until_complete(future) == 7);
  CHECK(loop.run_until_complete(future) == 7);
}

TEST_CASE("run_until_complete: stop() before it is done is an error") {
  Loop loop;
  const Future<int> future(loop);
  loop.call_soon([&] { loop.stop(); });
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(future),
      "event loop stopped before Future completed", std::runtime_error);
  CHECK_FALSE(future.done());
}

TEST_CASE("run_until_complete: after an early stop() nothing stays behind") {
  Loop loop;
  Log log;
  const Future<int> future(loop);
  loop.call_soon([&] { loop.stop(); });
  CHECK_THROWS_AS(loop.run_until_complete(future), std::runtime_error);
  // It must not stop the loop any more when it is done.
  loop.call_later(1s, [=] { future.set_result(1); });
  loop.call_later(2s, [&] {
    log.push_back("still running");
    loop.stop();
  });
  loop.run_forever();
  CHECK(log == Log{"still running"});
}

TEST_CASE("run_until_complete: refused by a closed loop") {
  Loop loop;
  const Future<int> future(loop);
  future.set_result(1);
  loop.close();
  CHECK_THROWS_AS(loop.run_until_complete(future), std::logic_error);
}

TEST_CASE("run_until_complete: refused inside of a round") {
  Loop loop;
  Loop other;
  Log log;
  const Future<int> future(loop);
  const Future<int> others(other);
  future.set_result(1);
  others.set_result(1);
  loop.call_soon([&] {
    CHECK_THROWS_AS(loop.run_until_complete(future), std::logic_error);
    CHECK_THROWS_AS(other.run_until_complete(others), std::logic_error);
    log.push_back("refused");
  });
  loop.run_until_idle();
  CHECK(log == Log{"refused"});
  CHECK(other.run_until_complete(others) == 1);
}

TEST_CASE("run_until_complete: refused, it leaves nothing behind") {
  Loop loop;
  Log log;
  const Future<int> future(loop);
  loop.call_soon([&] {
    CHECK_THROWS_AS(loop.run_until_complete(future), std::logic_error);
  });
  loop.call_later(1s, [=] { future.set_result(1); });
  loop.call_later(2s, [&] {
    log.push_back("still running");
    loop.stop();
  });
  loop.run_forever();
  CHECK(log == Log{"still running"});
}

TEST_CASE("run_until_complete: another loop's future is refused") {
  Loop loop;
  Loop other;
  const Future<int> future(other);
  CHECK_THROWS_AS(loop.run_until_complete(future), std::invalid_argument);
  future.set_result(1);
  CHECK_THROWS_AS(loop.run_until_complete(future), std::invalid_argument);
  CHECK(other.run_until_complete(future) == 1);
}

Coroutine<> work(Future<std::string> result) {
  co_await sleep(3s);
  result.set_result("worked");
}

TEST_CASE("run_until_complete: what a coroutine works out") {
  Loop loop;
  const Future<std::string> result(loop);
  create_task(work(result), loop);
  CHECK(loop.run_until_complete(result) == "worked");
  CHECK(loop.time() == 3s);
}

// ---- Looking at the descriptors ------------------------------------------

TEST_CASE("run_until_complete: right behind an answer nobody asks again") {
  Loop loop;
  const auto [here, there] = stream_pair();
  int heard = 0;
  loop.add_writer(here, [&] { ++heard; });
  loop.call_soon([] {});
  loop.run_once();
  CHECK(heard == 1);
  loop.call_soon([] {});
  loop.run_once();
  CHECK(heard == 1);
  loop.call_soon([] {});
  loop.run_once();
  CHECK(heard == 2);
  loop.run_once();  // there is nothing else to do
  CHECK(heard == 3);
  loop.forget(here);
  ::close(here);
  ::close(there);
}

TEST_CASE("run_until_complete: but those who are always busy do not for ever") {
  Loop loop;
  const auto [here, there] = stream_pair();
  const Future<> enough(loop);
  int rounds = 0;
  int heard = 0;
  const std::function<void()> busy = [&] {
    ++rounds;
    loop.call_soon(busy);
  };
  loop.call_soon(busy);
  loop.add_writer(here, [&] {
    if (++heard == 10) {
      enough.set_result();
    }
  });
  loop.run_until_complete(enough);
  CHECK(rounds >= 15);
  CHECK(rounds <= 30);
  loop.forget(here);
  ::close(here);
  ::close(there);
}

TEST_CASE("run_until_complete: the first round looks, whatever went before") {
  Loop loop;
  const auto [here, there] = stream_pair();
  int heard = 0;
  loop.add_writer(here, [&] { ++heard; });
  for (int i = 1; i <= 3; ++i) {
    loop.call_soon([&] { loop.stop(); });
    loop.run_forever();
    CHECK(heard == i);
  }
  loop.forget(here);
  ::close(here);
  ::close(there);
}

TEST_CASE("run_until_complete: two ends in one round end two runs") {
  EventLoop loop;
  loop.use_virtual_clock();
  const Future<> first(loop);
  // The call that tells the run of its end is queued when stop() ends it.
  loop.call_soon([&] {
    first.set_result();
    loop.stop();
  });
  loop.run_until_complete(first);
  bool done = false;
  loop.call_later(1s, [&] { done = true; });
  const Future<> second(loop);
  loop.call_later(2s, [second] { second.set_result(); });
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(second),
      "event loop stopped before Future completed", std::runtime_error);
  CHECK(!done);
  loop.run_until_complete(second);
  CHECK(done);
}

}  // namespace test_run_until_complete
