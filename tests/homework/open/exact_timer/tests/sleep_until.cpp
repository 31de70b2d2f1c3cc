#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "ticker.hpp"

namespace test_sleep_until {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

Coroutine<> wake_at(Log* log, std::string name, Seconds when) {
  co_await sleep_until(when);
  log->push_back(name);
}

Coroutine<> one_after_the_other(Log* log) {
  co_await wake_at(log, "first", 2s);
  CHECK(get_running_loop().time().count() == doctest::Approx(2));
  co_await wake_at(log, "second", 5s);
  CHECK(get_running_loop().time().count() == doctest::Approx(5));
}

TEST_CASE("sleep_until: a time of the clock, not a delay") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  create_task(one_after_the_other(&log), loop);
  loop.run_until_idle();
  CHECK(log == Log{"first", "second"});
  CHECK(loop.time().count() == doctest::Approx(5));
}

TEST_CASE("sleep_until: several, in the order of their times") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  create_task(wake_at(&log, "three", 3s), loop);
  create_task(wake_at(&log, "one", 1s), loop);
  create_task(wake_at(&log, "two", 2s), loop);
  loop.run_until_idle();
  CHECK(log == Log{"one", "two", "three"});
}

Coroutine<> look_back(Log* log) {
  co_await sleep(10s);
  create_task(wake_at(log, "another", 0s));
  co_await sleep_until(3s);
  log->push_back("late");
}

TEST_CASE("sleep_until: what is over lets the others run, and takes no time") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  create_task(look_back(&log), loop);
  loop.run_until_idle();
  CHECK(log.size() == 2);
  CHECK(loop.time().count() == doctest::Approx(10));
}

}  // namespace test_sleep_until
