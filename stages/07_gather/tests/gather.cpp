#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_gather {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

template <class T>
T run_virtual(Coroutine<T> main, Log* reports = nullptr) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  if (reports) {
    runner.get_loop().set_exception_handler(
        [reports](const std::string& message, std::exception_ptr) {
          reports->push_back(message);
        });
  }
  return runner.run(std::move(main));
}

Seconds now() { return get_running_loop().time(); }

Coroutine<int> work(Seconds delay, int result) {
  co_await sleep(delay);
  co_return result;
}

Coroutine<int> fail(Seconds delay, std::string what) {
  co_await sleep(delay);
  throw std::runtime_error(what);
}

Coroutine<std::string> name() { co_return "name"; }

Coroutine<> in_order() {
  const auto [three, text, one] =
      co_await gather(work(3s, 3), name(), work(1s, 1));
  CHECK(three == 3);
  CHECK(text == "name");
  CHECK(one == 1);
  CHECK(now() == 3s);
}

TEST_CASE("gather: results in the order of the arguments, together") {
  run_virtual(in_order());
}

Coroutine<> note(Log* log, std::string text) {
  log->push_back(text);
  co_return;
}

Coroutine<> begin_in_order(Log* log) {
  co_await gather(note(log, "a"), note(log, "b"), note(log, "c"));
}

TEST_CASE("gather: they begin in the order of the arguments") {
  Log log;
  run_virtual(begin_in_order(&log));
  CHECK(log == Log{"a", "b", "c"});
}

Coroutine<> from_the_call_on(Log* log) {
  const auto both = gather(note(log, "a"), note(log, "b"));
  CHECK(log->empty());
  co_await sleep(1s);
  CHECK(*log == Log{"a", "b"});
  CHECK(both.done());
}

TEST_CASE("gather: they run even before it is awaited") {
  Log log;
  run_virtual(from_the_call_on(&log));
}

Coroutine<> nothing_at_all() {
  const auto none = gather();
  REQUIRE(none.done());
  co_await none;
  const auto empty = gather(std::vector<Task<int>>());
  CHECK(empty.result().empty());
}

TEST_CASE("gather: of nothing is done at once") {
  run_virtual(nothing_at_all());
}

Coroutine<> vector_of_coroutines() {
  std::vector<Coroutine<int>> coroutines;
  for (int i = 5; i > 0; --i) {
    coroutines.push_back(work(Seconds(i), i));
  }
  const auto all = gather(std::move(coroutines));
  const std::vector<int> results = co_await all;
  CHECK(results == std::vector<int>{5, 4, 3, 2, 1});
  CHECK(now() == 5s);
}

TEST_CASE("gather: a vector gives a vector") {
  run_virtual(vector_of_coroutines());
}

Coroutine<> of_all_kinds() {
  const Future<int> future;
  get_running_loop().call_later(2s, [future] { future.set_result(2); });
  const Task<int> task = create_task(work(1s, 1));
  const auto [nothing, two, one] =
      co_await gather(sleep(3s), future, task);
  static_assert(std::is_same_v<decltype(nothing), const NoneType>);
  CHECK(two == 2);
  CHECK(one == 1);
  CHECK(now() == 3s);
}

TEST_CASE("gather: of a sleep, a future and a task") {
  run_virtual(of_all_kinds());
}

Coroutine<> nested() {
  const auto inner = gather(work(1s, 1), work(2s, 2));
  const auto [pair, three] = co_await gather(inner, work(1s, 3));
  CHECK(pair == std::tuple(1, 2));
  CHECK(three == 3);
}

TEST_CASE("gather: of a gather") { run_virtual(nested()); }

Coroutine<> same_twice() {
  const Task<int> task = create_task(work(1s, 7));
  const auto both = co_await gather(task, task);
  CHECK(both == std::tuple(7, 7));
}

TEST_CASE("gather: the same task twice gives its result twice") {
  run_virtual(same_twice());
}

Coroutine<int> take(std::unique_ptr<int> number) { co_return *number; }

Coroutine<> move_only_parameters() {
  const auto both = gather(take(std::make_unique<int>(1)),
                           take(std::make_unique<int>(2)));
  const auto results = co_await both;
  CHECK(results == std::tuple(1, 2));
}

TEST_CASE("gather: of coroutines that own what cannot be copied") {
  run_virtual(move_only_parameters());
}

Coroutine<std::unique_ptr<int>> make() { co_return std::make_unique<int>(1); }

Coroutine<> moved_away() {
  const auto task = create_task(make());
  co_await task;
  CHECK_THROWS_AS(co_await gather(task), InvalidStateError);
}

TEST_CASE("gather: a result that somebody has taken is an error") {
  run_virtual(moved_away());
}

Coroutine<> first_exception(Log* log) {
  const Task<int> slow = create_task(work(3s, 3));
  try {
    co_await gather(slow, fail(1s, "first"), fail(2s, "second"));
  } catch (const std::runtime_error& error) {
    log->push_back(error.what());
  }
  CHECK(now() == 1s);
  CHECK(!slow.done());
  const int result = co_await slow;
  CHECK(result == 3);
}

TEST_CASE("gather: the first exception arrives, the others go on") {
  Log log;
  Log reports;
  run_virtual(first_exception(&log), &reports);
  CHECK(log == Log{"first"});
  // Nobody could ask for the second one.
  CHECK(reports.empty());
}

Coroutine<> second_exception() {
  const auto all = gather(fail(1s, "first"), fail(2s, "second"));
  co_await sleep(3s);
  CHECK_THROWS_WITH_AS(all.result(), "first", std::runtime_error);
}

TEST_CASE("gather: a second exception is lost, also while it is kept") {
  Log reports;
  run_virtual(second_exception(), &reports);
  CHECK(reports.empty());
}

Coroutine<std::shared_ptr<int>> give(std::shared_ptr<int> given) {
  co_return given;
}

Coroutine<> keeps_what_is_done() {
  const auto owned = std::make_shared<int>();
  const auto all = gather(give(owned), fail(1s, "failed"));
  co_await sleep(500ms);
  CHECK(owned.use_count() > 1);
  co_await sleep(1s);
  CHECK_THROWS_AS(all.result(), std::runtime_error);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("gather: once it is done it keeps none of them") {
  run_virtual(keeps_what_is_done());
}

TEST_CASE("gather: outside of a loop it is in that of its tasks") {
  EventLoop loop;
  loop.use_virtual_clock();
  const auto both = gather(
      create_task(work(1s, 1), loop), create_task(work(2s, 2), loop));
  CHECK(&both.get_loop() == &loop);
  CHECK(loop.run_until_complete(both) == std::tuple(1, 2));
  CHECK_THROWS_AS(gather(), std::logic_error);
}

Coroutine<> forgotten() {
  gather(fail(1s, "a"), work(1s, 1));
  co_await sleep(2s);
}

TEST_CASE("gather: forgotten, its exception is reported") {
  Log reports;
  run_virtual(forgotten(), &reports);
  CHECK(reports.size() == 1);
}

Coroutine<> dropped() {
  const Future<> never;
  const std::weak_ptr<FutureBase> whole = gather(never).state();
  CHECK(whole.expired());
  co_return;
}

TEST_CASE("gather: its children do not keep it") { run_virtual(dropped()); }

Coroutine<> refuses_foreign(Future<int> foreign) {
  const Future<int> own;
  const auto refused = std::string(
      "the future belongs to a different event loop");
  CHECK_THROWS_WITH_AS(gather(own, foreign), refused.c_str(),
                       std::invalid_argument);
  const std::vector<Future<int>> both{own, foreign};
  CHECK_THROWS_AS(gather(both), std::invalid_argument);
  CHECK_THROWS_AS(gather(return_exceptions, own, foreign),
                  std::invalid_argument);
  co_return;
}

TEST_CASE("gather: a future of another loop is refused") {
  EventLoop other;
  run_virtual(refuses_foreign(Future<int>(other)));
}

Coroutine<std::pair<int, std::string>> gives_a_pair() {
  co_return std::pair(1, std::string("one"));
}

Coroutine<std::tuple<int>> gives_a_tuple() { co_return std::tuple(1); }

Coroutine<> gathers_pairs() {
  const auto one = co_await gather(gives_a_pair());
  static_assert(std::tuple_size_v<std::decay_t<decltype(one)>> == 1);
  CHECK(std::get<0>(one).second == "one");
  const auto nested = co_await gather(gives_a_tuple());
  CHECK(std::get<0>(std::get<0>(nested)) == 1);
}

TEST_CASE("gather: of one, whose result is a pair, is a tuple of one") {
  run_virtual(gathers_pairs());
}

Coroutine<std::unique_ptr<int>> gives_unique() {
  co_return std::make_unique<int>(42);
}

Coroutine<> gathers_unique() {
  std::vector<Coroutine<std::unique_ptr<int>>> coroutines;
  coroutines.push_back(gives_unique());
  coroutines.push_back(gives_unique());
  const auto results = co_await gather(std::move(coroutines));
  CHECK(results.size() == 2);
  CHECK(*results[1] == 42);
}

TEST_CASE("gather: a vector of what can only be moved") {
  run_virtual(gathers_unique());
}

Coroutine<> gathers_any() {
  const Future<int> number;
  const Future<std::string> text;
  const std::vector<AnyFuture> any{number, text};
  const auto both = gather(any);
  number.set_result(1);
  text.set_result("one");
  CHECK((co_await both).size() == 2);
}

TEST_CASE("gather: futures of any result") {
  run_virtual(gathers_any());
}

TEST_SUITE("huge") {
  TEST_CASE("gather: long chains of shields and gathers") {
    on_small_stack(256 * 1024, [] {
      EventLoop loop;
      Future<> shielded(loop);
      for (int i = 0; i < 100'000; ++i) {
        shielded = shield(shielded);
      }
      std::vector<AnyFuture> gathered{Future<>(loop)};
      for (int i = 0; i < 100'000; ++i) {
        gathered = {gather(gathered)};
      }
    });
  }
}

}  // namespace test_gather
