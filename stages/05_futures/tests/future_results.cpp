#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_future_results {

using namespace asyncio;

TEST_CASE("future_results: pending at first") {
  EventLoop loop;
  const Future<int> future(loop);
  CHECK_FALSE(future.done());
  CHECK_FALSE(future.cancelled());
  CHECK(&future.get_loop() == &loop);
}

TEST_CASE("future_results: set once, asked for as often as one likes") {
  EventLoop loop;
  const Future<std::string> future(loop);
  future.set_result("hello");
  CHECK(future.done());
  CHECK_FALSE(future.cancelled());
  CHECK(future.result() == "hello");
  CHECK(future.result() == "hello");
  CHECK(future.exception() == nullptr);
}

TEST_CASE("future_results: nothing to be had before it is done") {
  EventLoop loop;
  const Future<int> future(loop);
  CHECK_THROWS_AS(future.result(), InvalidStateError);
  CHECK_THROWS_AS(future.exception(), InvalidStateError);
  CHECK_THROWS_WITH(future.result(), "Result is not set.");
  CHECK_THROWS_WITH(future.exception(), "Exception is not set.");
  CHECK_FALSE(future.done());
}

TEST_CASE("future_results: a second one is refused, the first one stays") {
  EventLoop loop;
  const Future<int> future(loop);
  future.set_result(1);
  CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
  CHECK_THROWS_WITH(future.set_result(2), "invalid state");
  CHECK(future.result() == 1);
}

TEST_CASE("future_results: copies stand for the same future") {
  EventLoop loop;
  const Future<int> one(loop);
  const Future<int> two = one;
  const Future<int> other(loop);
  CHECK(one == two);
  CHECK(one != other);
  two.set_result(3);
  CHECK(one.result() == 3);
  CHECK_FALSE(other.done());
}

TEST_CASE("future_results: there may be nothing to say but that it is done") {
  EventLoop loop;
  const Future<> future(loop);
  CHECK_THROWS_AS(future.result(), InvalidStateError);
  future.set_result();
  CHECK(future.done());
  future.result();
  CHECK_THROWS_AS(future.set_result(), InvalidStateError);
}

TEST_CASE("future_results: a result that has no default") {
  struct Parcel {
    explicit Parcel(int its_weight) : weight(its_weight) {}
    int weight;
  };
  EventLoop loop;
  const Future<Parcel> future(loop);
  future.set_result(Parcel(5));
  CHECK(future.result().weight == 5);
}

/// Does not always survive being moved.
struct Fragile {
  explicit Fragile(int its_moves) : moves_left(its_moves) {}
  Fragile(const Fragile&) = default;
  Fragile(Fragile&& other) : moves_left(other.moves_left - 1) {
    if (moves_left < 0) {
      throw std::runtime_error("broken");
    }
  }
  int moves_left;
};

TEST_CASE("future_results: one that cannot be stored leaves it pending") {
  EventLoop loop;
  const Future<Fragile> future(loop);
  for (int moves = 0; moves < 10 && !future.done(); ++moves) {
    try {
      future.set_result(Fragile(moves));
    } catch (const std::runtime_error&) {
      REQUIRE_FALSE(future.done());
    }
  }
  CHECK(future.result().moves_left == 0);
}

TEST_CASE("future_results: create_future is the loop's") {
  EventLoop loop;
  const Future<int> future = loop.create_future<int>();
  const Future<> nothing = loop.create_future();
  CHECK(&future.get_loop() == &loop);
  CHECK(&nothing.get_loop() == &loop);
  future.set_result(1);
  CHECK(future.result() == 1);
}

TEST_CASE("future_results: without a loop, that of the caller") {
  CHECK_THROWS_AS(Future<int>(), std::logic_error);
  EventLoop loop;
  bool same = false;
  loop.call_soon([&] {
    const Future<int> future;
    same = &future.get_loop() == &loop;
  });
  loop.run_until_idle();
  CHECK(same);
}

TEST_CASE("future_results: of whatever") {
  EventLoop loop;
  const Future<int> number(loop);
  const Future<std::string> text(loop);
  const std::vector<AnyFuture> both{number, text};
  CHECK_FALSE(AnyFuture());
  CHECK(both[0]);
  CHECK(both[0] == number);
  CHECK(both[0] != both[1]);
  CHECK_THROWS_AS(both[0].result(), InvalidStateError);
  number.set_result(1);
  CHECK(both[0].done());
  CHECK_NOTHROW(both[0].result());
  CHECK_FALSE(both[1].done());
  CHECK(&both[0].get_loop() == &loop);
}

TEST_CASE("future_results: one that was moved from is empty, and says so") {
  EventLoop loop;
  Future<int> future(loop);
  const Future<int> moved = std::move(future);
  CHECK_FALSE(future);
  CHECK_THROWS_AS(future.done(), std::logic_error);
  CHECK_THROWS_AS(future.set_result(1), std::logic_error);
  CHECK_THROWS_AS(future.result(), std::logic_error);
  moved.set_result(1);
  CHECK(moved.result() == 1);
}

}  // namespace test_future_results
