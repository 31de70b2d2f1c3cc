#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_move_only_futures {

using namespace asyncio;
using Box = std::unique_ptr<int>;
using Log = std::vector<std::string>;

TEST_CASE("move_only_futures: it moves out, once") {
  EventLoop loop;
  const Future<Box> future(loop);
  future.set_result(std::make_unique<int>(42));
  const Box box = future.result();
  REQUIRE(box);
  CHECK(*box == 42);
  CHECK(future.done());
  CHECK_THROWS_AS(future.result(), InvalidStateError);
  CHECK(future.exception() == nullptr);
  CHECK_THROWS_AS(future.set_result(nullptr), InvalidStateError);
}

Coroutine<> takes(Log* log, std::string name, Future<Box> future) {
  try {
    const Box box = co_await future;
    log->push_back(name + " has " + std::to_string(*box));
  } catch (const InvalidStateError&) {
    log->push_back(name + " is too late");
  }
}

TEST_CASE("move_only_futures: of those who await it the first one has it") {
  EventLoop loop;
  Log log;
  const Future<Box> future(loop);
  create_task(takes(&log, "a", future), loop);
  create_task(takes(&log, "b", future), loop);
  loop.call_soon([=] { future.set_result(std::make_unique<int>(1)); });
  loop.run_until_idle();
  CHECK(log == Log{"a has 1", "b is too late"});
}

TEST_CASE("move_only_futures: run_until_complete moves it on") {
  EventLoop loop;
  const Future<Box> future(loop);
  loop.call_soon([=] { future.set_result(std::make_unique<int>(2)); });
  const Box box = loop.run_until_complete(future);
  CHECK(*box == 2);
}

TEST_CASE("move_only_futures: what can be copied stays") {
  EventLoop loop;
  const Future<std::shared_ptr<int>> future(loop);
  future.set_result(std::make_shared<int>(3));
  CHECK(future.result() == future.result());
  CHECK(*future.result() == 3);
}

TEST_CASE("move_only_futures: one that nobody takes is destroyed with it") {
  EventLoop loop;
  const auto alive = std::make_shared<int>(1);
  struct Owner {
    explicit Owner(std::shared_ptr<int> its_part) : part(std::move(its_part)) {}
    Owner(Owner&&) = default;
    std::shared_ptr<int> part;
  };
  { Future<Owner>(loop).set_result(Owner(alive)); }
  CHECK(alive.use_count() == 1);
}

TEST_CASE("move_only_futures: a vector of what can only be moved") {
  EventLoop loop;
  using Items = std::vector<std::unique_ptr<int>>;
  const Future<Items> future(loop);
  Items items;
  items.push_back(std::make_unique<int>(42));
  future.set_result(std::move(items));
  CHECK(*future.result().front() == 42);
  CHECK_THROWS_AS(future.result(), InvalidStateError);
}

TEST_CASE("move_only_futures: is told from a vector that can be copied") {
  using Unique = std::unique_ptr<int>;
  CHECK(is_copyable<std::vector<std::string>>);
  CHECK(is_copyable<std::pair<int, std::vector<int>>>);
  CHECK_FALSE(is_copyable<std::vector<std::vector<Unique>>>);
  CHECK_FALSE(is_copyable<std::pair<int, std::vector<Unique>>>);
  CHECK_FALSE(is_copyable<std::tuple<std::vector<Unique>>>);
}

}  // namespace test_move_only_futures
