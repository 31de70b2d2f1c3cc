#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_as_completed {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;
using Coroutines = std::vector<Coroutine<int>>;

void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

Seconds now() { return get_running_loop().time(); }

Coroutine<int> work(int seconds) {
  co_await sleep(Seconds(seconds));
  co_return seconds;
}

Coroutine<int> fail(int seconds) {
  co_await sleep(Seconds(seconds));
  throw std::runtime_error("failed");
}

template <class... Coroutine>
Coroutines list(Coroutine... coroutines) {
  Coroutines all;
  (all.push_back(std::move(coroutines)), ...);
  return all;
}

// What came, and when: "1s:1".
Coroutine<Log> collect(Coroutines coroutines, std::optional<Seconds> timeout) {
  Log log;
  for (auto& next : as_completed(std::move(coroutines), timeout)) {
    std::string what;
    try {
      what = std::to_string(co_await next);
    } catch (const TimeoutError&) {
      what = "late";
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    const int seconds = static_cast<int>(now().count());
    log.push_back(std::to_string(seconds) + "s:" + what);
  }
  co_return log;
}

Log collected(
    Coroutines coroutines,
    std::optional<Seconds> timeout = std::nullopt
) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  return runner.run(collect(std::move(coroutines), timeout));
}

TEST_CASE("as_completed: the first that is done comes first") {
  CHECK(collected(list(work(3), work(1), work(2))) ==
        Log{"1s:1", "2s:2", "3s:3"});
}

TEST_CASE("as_completed: nothing gives nothing") {
  CHECK(collected(list()).empty());
}

TEST_CASE("as_completed: an exception comes in its turn") {
  CHECK(collected(list(work(3), fail(2), work(1))) ==
        Log{"1s:1", "2s:failed", "3s:3"});
}

TEST_CASE("as_completed: after the timeout all that are left are late") {
  CHECK(collected(list(work(3), work(1), work(4)), 2s) ==
        Log{"1s:1", "2s:late", "2s:late"});
}

Coroutine<> too_late_is_too_late() {
  for (auto& next : as_completed(list(work(2), work(3)), 1s)) {
    CHECK_THROWS_AS(co_await next, TimeoutError);
    // Meanwhile the first one gets done.
    co_await sleep(2s);
  }
}

TEST_CASE("as_completed: what is done after the timeout stays late") {
  run_virtual(too_late_is_too_late());
}

Coroutine<> done_as_time_is_up() {
  const Future<int> future;
  get_running_loop().call_later(1s, [future] { future.set_result(1); });
  auto completed = as_completed(std::vector<Future<int>>{future}, 1s);
  auto next = completed.next();
  CHECK_THROWS_AS(co_await *next, TimeoutError);
  CHECK(future.done());
}

TEST_CASE("as_completed: so does what is done in the very same round") {
  run_virtual(done_as_time_is_up());
}

Coroutine<> several_wait() {
  std::vector<Task<int>> waiting;
  for (auto& next : as_completed(list(work(2), work(3), work(4)), 1s)) {
    waiting.push_back(create_task(std::move(next)));
  }
  co_await sleep(1500ms);
  CHECK(waiting.size() == 3);
  for (const Task<int>& task : waiting) {
    CHECK(task.done());
    CHECK_THROWS_AS(task.result(), TimeoutError);
  }
}

TEST_CASE("as_completed: the timeout is for all who wait") {
  run_virtual(several_wait());
}

Coroutine<> in_time() {
  for (auto& next : as_completed(list(work(1)), 100s)) {
    co_await next;
  }
}

TEST_CASE("as_completed: takes its timer back") {
  EventLoop loop;
  loop.use_virtual_clock();
  create_task(in_time(), loop);
  loop.run_until_idle();
  CHECK(loop.time() == 1s);
}

Coroutine<> never_done(std::weak_ptr<FutureBase>* weak) {
  const std::vector futures{Future<>()};
  *weak = futures.front().state();
  as_completed(futures).next();
  co_return;
}

TEST_CASE("as_completed: nothing keeps a future that is never done") {
  std::weak_ptr<FutureBase> weak;
  run_virtual(never_done(&weak));
  CHECK(weak.expired());
}

Coroutine<> the_same_twice() {
  const Task<int> one = create_task(work(1));
  const Task<int> two = create_task(work(2));
  const std::vector<Task<int>> tasks{two, one, two};
  std::vector<int> results;
  for (auto& next : as_completed(tasks)) {
    results.push_back(co_await next);
  }
  CHECK(results == std::vector<int>{1, 2});
}

TEST_CASE("as_completed: the same task twice comes once") {
  run_virtual(the_same_twice());
}

Coroutine<> done_before() {
  const std::vector<Task<int>> tasks{
      create_task(work(2)), create_task(work(1))};
  co_await sleep(5s);
  std::vector<int> results;
  for (auto& next : as_completed(tasks)) {
    results.push_back(co_await next);
  }
  CHECK(results == std::vector<int>{2, 1});
  CHECK(now() == 5s);
}

TEST_CASE("as_completed: what was done before comes in the order given") {
  run_virtual(done_before());
}

Coroutine<> given_up() {
  const Task<int> slow = create_task(work(3));
  const std::vector<Task<int>> tasks{slow, create_task(work(1))};
  for (auto& next : as_completed(tasks)) {
    const int first = co_await next;
    CHECK(first == 1);
    break;
  }
  CHECK(!slow.done());
  const int result = co_await slow;
  CHECK(result == 3);
}

TEST_CASE("as_completed: given up half-way, the others go on") {
  run_virtual(given_up());
}

Coroutine<> awaited_later() {
  Coroutines all;
  for (auto& next : as_completed(list(work(2), work(1)))) {
    all.push_back(std::move(next));
  }
  REQUIRE(all.size() == 2);
  const auto both = gather(std::move(all));
  const std::vector<int> results = co_await both;
  CHECK(results == std::vector<int>{1, 2});
  CHECK(now() == 2s);
}

TEST_CASE("as_completed: whoever awaits first gets the first result") {
  run_virtual(awaited_later());
}

Coroutine<> one_gives_up() {
  Coroutines all;
  for (auto& next : as_completed(list(work(2), work(1)))) {
    all.push_back(std::move(next));
  }
  REQUIRE(all.size() == 2);
  const Task<int> gives_up = create_task(std::move(all[0]));
  const Task<int> waits = create_task(std::move(all[1]));
  co_await sleep(500ms);
  gives_up.cancel();
  const int first = co_await waits;
  CHECK(first == 1);
  CHECK(now() == 1s);
}

TEST_CASE("as_completed: no result goes to one who was cancelled") {
  run_virtual(one_gives_up());
}

Coroutine<> note(Log* log) {
  log->push_back("ran");
  co_return;
}

Coroutine<> only_when_asked(Log* log) {
  std::vector<Coroutine<>> coroutines;
  coroutines.push_back(note(log));
  auto all = as_completed(std::move(coroutines));
  co_await sleep(1s);
  CHECK(log->empty());
  REQUIRE(all.next());
  co_await sleep(1s);
  CHECK(*log == Log{"ran"});
}

TEST_CASE("as_completed: is a generator: nothing runs before it is asked") {
  Log log;
  run_virtual(only_when_asked(&log));
}

Coroutine<> passes_on() {
  const Future<int> first;
  const Future<int> second;
  std::vector<Coroutine<int>> nexts;
  for (auto& next : as_completed(std::vector<Future<int>>{first, second})) {
    nexts.push_back(std::move(next));
  }
  const auto one = create_task(std::move(nexts[0]));
  const auto two = create_task(std::move(nexts[1]));
  co_await sleep(1s);
  // Called behind the callback that as_completed() has added: one is woken,
  // and cancelled before it has had its turn.
  first.add_done_callback([one] { one.cancel(); });
  first.set_result(1);
  co_await sleep(1s);
  CHECK(one.cancelled());
  REQUIRE(two.done());
  CHECK(two.result() == 1);
}

TEST_CASE("as_completed: one that is cancelled as it is woken passes it on") {
  run_virtual(passes_on());
}

Coroutine<> passes_on_when_destroyed() {
  const Future<int> first;
  const Future<int> second;
  std::vector<Coroutine<int>> nexts;
  for (auto& next : as_completed(std::vector<Future<int>>{first, second})) {
    nexts.push_back(std::move(next));
  }
  auto destroyed = std::make_unique<Coroutine<int>>(std::move(nexts[0]));
  destroyed->next();
  const auto two = create_task(std::move(nexts[1]));
  co_await sleep(1s);
  first.add_done_callback([&destroyed] { destroyed.reset(); });
  first.set_result(1);
  co_await sleep(1s);
  REQUIRE(two.done());
  CHECK(two.result() == 1);
}

TEST_CASE("as_completed: so does one that is destroyed as it is woken") {
  run_virtual(passes_on_when_destroyed());
}

Coroutine<> takes_any() {
  const auto slow = create_task(work(2));
  const auto fast = create_task(fail(1));
  const std::vector<AnyFuture> both{slow, fast};
  auto completed = as_completed(both);
  auto next = completed.next();
  CHECK_THROWS_AS(co_await *next, std::runtime_error);
  next = completed.next();
  co_await *next;
  CHECK(slow.done());
  for (auto& last : as_completed(std::vector<AnyTask>{slow})) {
    co_await last;
  }
}

TEST_CASE("as_completed: futures of any result") { run_virtual(takes_any()); }

Coroutine<> takes_foreign(Future<int> foreign) {
  const std::vector<Future<int>> both{Future<int>(), foreign};
  auto completed = as_completed(both);
  CHECK_THROWS_AS(completed.next(), std::invalid_argument);
  co_return;
}

TEST_CASE("as_completed: a future of another loop is refused") {
  EventLoop other;
  run_virtual(takes_foreign(Future<int>(other)));
}

}  // namespace test_as_completed
