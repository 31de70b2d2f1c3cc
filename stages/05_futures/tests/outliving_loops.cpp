#include <unistd.h>

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_outliving_loops {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

std::optional<Future<int>> future_of_the_past() {
  EventLoop loop;
  return Future<int>(loop);
}

TEST_CASE("outliving_loops: its result can still be asked for") {
  const auto loop = std::make_unique<EventLoop>();
  const Future<int> future(*loop);
  future.set_result(1);
  loop->close();
  CHECK(future.result() == 1);
}

TEST_CASE("outliving_loops: and set, while nobody wants to be called") {
  const auto future = future_of_the_past();
  CHECK_FALSE(future->done());
  future->set_result(5);
  CHECK(future->result() == 5);
}

TEST_CASE("outliving_loops: get_loop() and callbacks are an error") {
  const auto future = future_of_the_past();
  CHECK_THROWS_AS(future->get_loop(), std::logic_error);
  future->cancel();
  CHECK(future->cancelled());
  CHECK_THROWS_AS(future->add_done_callback([] {}), std::logic_error);
}

TEST_CASE("outliving_loops: dropped with what it was to call") {
  const auto owned = std::make_shared<int>(1);
  std::optional<Future<int>> future;
  {
    EventLoop loop;
    future.emplace(loop);
    future->add_done_callback([owned] {});
  }
  future.reset();
  CHECK(owned.use_count() == 1);
}

Coroutine<> waits(Log* log, std::optional<Future<int>> future) {
  try {
    co_await *future;
  } catch (const std::logic_error&) {
    log->push_back("refused");
  }
}

TEST_CASE("outliving_loops: awaiting it is an error") {
  EventLoop loop;
  Log log;
  create_task(waits(&log, future_of_the_past()), loop);
  loop.run_until_idle();
  CHECK(log == Log{"refused"});
}

Coroutine<> sleeps() { co_await sleep(1h); }

Coroutine<> drops(Future<int> future) { co_await future; }

TEST_CASE("outliving_loops: the loop's handler is not called as it dies") {
  Log log;
  {
    EventLoop loop;
    loop.set_exception_handler(
        [&](const std::string& what, std::exception_ptr) {
          log.push_back(what);
        });
    const Future<int> failed(loop);
    failed.set_exception(std::runtime_error("this line belongs to the test"));
    loop.call_later(1h, [failed] {});
  }
  CHECK(log.empty());
}

TEST_CASE("outliving_loops: one that waits for a descriptor or a time") {
  const auto [left, right] = stream_pair();
  std::optional<Coroutine<>> readable;
  std::optional<Coroutine<>> asleep;
  {
    EventLoop loop;
    loop.call_soon([&, fd = left] {
      readable.emplace(wait_readable(fd));
      asleep.emplace(sleeps());
      CHECK(readable->next());
      CHECK(asleep->next());
    });
    loop.run_once();
  }
  readable.reset();
  asleep.reset();
  ::close(left);
  ::close(right);
}

Coroutine<> waits_for(FutureState<int>* future) { co_await *future; }

Coroutine<> dies_with_an_error() {
  const Future<int> broken;
  broken.set_exception(std::runtime_error("nobody asks"));
  co_await Future<int>();
}

TEST_CASE("outliving_loops: a handler of one that closes destroys futures") {
  EventLoop loop;
  auto future = std::make_unique<FutureState<int>>(loop);
  create_task(waits_for(future.get()), loop);
  // Of those who wait, the youngest goes first.
  create_task(dies_with_an_error(), loop);
  loop.run_once();
  loop.set_exception_handler(
      [&](const std::string&, std::exception_ptr) { future.reset(); });
  loop.close();
  CHECK_FALSE(future);
}

TEST_CASE("outliving_loops: a loop that closes drops those who wait") {
  std::optional<Future<int>> future;
  {
    EventLoop loop;
    future.emplace(loop);
    create_task(drops(*future), loop);
    loop.run_once();
    CHECK(future->state().use_count() > 1);
  }
  CHECK(future->state().use_count() == 1);
  future->set_result(1);
}

}  // namespace test_outliving_loops
