#include "common/testing.hpp"

#include <memory>
#include <new>
#include <string>

#include "event_loop.hpp"
#include "pair.hpp"

using asyncio::EventLoop;
using test_select_loop::Pair;

TEST_CASE("removing: says whether there was one") {
  const Pair pair;
  EventLoop loop;
  CHECK_FALSE(loop.remove_reader(pair.here));
  CHECK_FALSE(loop.remove_writer(pair.here));
  loop.add_reader(pair.here, [] {});
  CHECK_FALSE(loop.remove_writer(pair.here));
  CHECK(loop.remove_reader(pair.here));
  CHECK_FALSE(loop.remove_reader(pair.here));
}

TEST_CASE("removing: one that was removed is not called") {
  const Pair pair;
  EventLoop loop;
  bool called = false;
  loop.add_reader(pair.here, [&] { called = true; });
  pair.send();
  loop.remove_reader(pair.here);
  loop.call_soon([] {});
  loop.run_once();
  CHECK_FALSE(called);
}

TEST_CASE("removing: also when both are ready in the same round") {
  const Pair a;
  const Pair b;
  EventLoop loop;
  int called = 0;
  loop.add_reader(a.here, [&] {
    ++called;
    loop.remove_reader(b.here);
  });
  loop.add_reader(b.here, [&] {
    ++called;
    loop.remove_reader(a.here);
  });
  a.send();
  b.send();
  loop.run_once();
  CHECK(called == 1);
}

TEST_CASE("removing: a reader may remove the writer of its own descriptor") {
  const Pair pair;
  EventLoop loop;
  int called = 0;
  loop.add_reader(pair.here, [&] {
    ++called;
    loop.forget(pair.here);
  });
  loop.add_writer(pair.here, [&] {
    ++called;
    loop.forget(pair.here);
  });
  pair.send();
  loop.run_once();
  CHECK(called == 1);
}

TEST_CASE("removing: from inside itself, and what it owns lives to its end") {
  const Pair pair;
  EventLoop loop;
  int called = 0;
  auto owned = std::make_shared<std::string>("still here");
  const std::weak_ptr<std::string> watch = owned;
  loop.add_reader(pair.here, [&loop, &called, &pair, owned] {
    loop.remove_reader(pair.here);
    ++called;
    CHECK(*owned == "still here");
  });
  owned = nullptr;
  pair.send();
  loop.run_once();
  loop.call_soon([] {});
  loop.run_once();
  CHECK(called == 1);
  CHECK(watch.expired());
}

TEST_CASE("removing: of two for one descriptor only the last is called") {
  const Pair pair;
  EventLoop loop;
  std::string called;
  loop.add_reader(pair.here, [&] { called += "a"; });
  loop.add_reader(pair.here, [&] { called += "b"; });
  pair.send();
  loop.run_once();
  CHECK(called == "b");
  CHECK(loop.remove_reader(pair.here));
  CHECK_FALSE(loop.remove_reader(pair.here));
}

TEST_CASE("removing: a replaced one is not called, though it was queued") {
  const Pair a;
  const Pair b;
  EventLoop loop;
  std::string called;
  const auto first = [&](const Pair& other) {
    called += "1";
    loop.add_reader(other.here, [&] { called += "2"; });
  };
  loop.add_reader(a.here, [&] { first(b); });
  loop.add_reader(b.here, [&] { first(a); });
  a.send();
  b.send();
  loop.run_once();
  CHECK(called == "1");
}

TEST_CASE("removing: one may replace itself") {
  const Pair pair;
  EventLoop loop;
  std::string called;
  pair.send();
  loop.add_reader(pair.here, [&] {
    loop.add_reader(pair.here, [&] { called += "b"; });
    called += "a";
  });
  loop.run_once();
  loop.run_once();
  CHECK(called == "ab");
}

TEST_CASE("removing: a forgotten descriptor has nothing queued either") {
  const Pair a;
  const Pair b;
  EventLoop loop;
  int called = 0;
  const auto only_one = [&] {
    ++called;
    loop.forget(a.here);
    loop.forget(b.here);
  };
  loop.add_reader(a.here, only_one);
  loop.add_writer(a.here, only_one);
  loop.add_reader(b.here, only_one);
  a.send();
  b.send();
  loop.run_once();
  CHECK(called == 1);
  CHECK_FALSE(loop.remove_reader(a.here));
  CHECK_FALSE(loop.remove_writer(a.here));
}

TEST_CASE("removing: also one that an exception has left in the queue") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    const Pair a;
    const Pair b;
    EventLoop loop;
    bool removed = false;
    // Too large to be copied without memory.
    const auto owned = std::make_shared<int>();
    const auto reader = [&removed, owned] { CHECK_FALSE(removed); };
    loop.call_soon([&] {
      removed = loop.remove_reader(a.here) && loop.remove_reader(b.here);
    });
    loop.add_reader(a.here, reader);
    loop.add_reader(b.here, reader);
    a.send();
    b.send();
    try {
      const FailingAllocation failing(k);
      loop.run_once();
      has_failed = failing.has_failed();
    } catch (const std::bad_alloc&) {
      // It has queued one of them, or none.
      loop.run_once();
    }
    CHECK(removed);
    loop.call_soon([] {});
    loop.run_once();
  }
}

TEST_CASE("removing: one may forget a descriptor nobody waits for") {
  const Pair pair;
  EventLoop loop;
  loop.forget(pair.here);
  loop.forget(-1);
}

TEST_CASE("removing: a forgotten number serves again") {
  EventLoop loop;
  std::string called;
  const Pair first;
  const int number = ::dup(first.here);
  first.send();
  loop.add_reader(number, [&] { called += "a"; });
  loop.forget(number);
  ::close(number);
  const Pair second;
  second.send();
  REQUIRE(::dup2(second.here, number) == number);
  loop.add_reader(number, [&] { called += "b"; });
  loop.run_once();
  CHECK(called == "b");
  loop.forget(number);
  ::close(number);
}
