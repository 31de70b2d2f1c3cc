#include "common/testing.hpp"

#include <functional>

#include "event_loop.hpp"
#include "pair.hpp"

using asyncio::EventLoop;
using test_select_loop::Pair;

TEST_CASE("fairness: who asks again and again does not starve a descriptor") {
  const Pair pair;
  EventLoop loop;
  int again = 0;
  int read = 0;
  std::function<void()> greedy = [&] {
    ++again;
    loop.call_soon(greedy);
  };
  loop.call_soon(greedy);
  loop.add_reader(pair.here, [&] { ++read; });
  pair.send();
  for (int round = 0; round < 10; ++round) {
    loop.run_once();
  }
  CHECK(again == 10);
  CHECK(read >= 5);
}

TEST_CASE("fairness: a descriptor that is always ready starves nobody") {
  const Pair busy;
  const Pair other;
  EventLoop loop;
  int called = 0;
  int soon = 0;
  loop.add_writer(busy.here, [&] {
    ++called;
    if (called == 3) {
      other.send();
      loop.call_soon([&] { ++soon; });
    }
  });
  int read = 0;
  loop.add_reader(other.here, [&] { ++read; });
  for (int round = 0; round < 5; ++round) {
    loop.run_once();
  }
  CHECK(called >= 4);
  CHECK(read >= 1);
  CHECK(soon == 1);
}
