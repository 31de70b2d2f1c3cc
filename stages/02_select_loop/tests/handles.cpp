#include "common/testing.hpp"

#include <memory>
#include <string>
#include <utility>

#include "event_loop.hpp"

using asyncio::EventLoop;
using asyncio::Handle;

TEST_CASE("handles: a cancelled call is not made, the others are") {
  EventLoop loop;
  std::string called;
  loop.call_soon([&] { called += "a"; });
  Handle handle = loop.call_soon([&] { called += "b"; });
  loop.call_soon([&] { called += "c"; });
  handle.cancel();
  loop.run_once();
  CHECK(called == "ac");
}

TEST_CASE("handles: several cancelled, each its own") {
  EventLoop loop;
  std::string called;
  Handle first = loop.call_soon([&] { called += "a"; });
  loop.call_soon([&] { called += "b"; });
  Handle third = loop.call_soon([&] { called += "c"; });
  loop.call_soon([&] { called += "d"; });
  first.cancel();
  third.cancel();
  loop.run_once();
  CHECK(called == "bd");
}

TEST_CASE("handles: also when other calls have been made before") {
  EventLoop loop;
  std::string called;
  loop.call_soon([&] { called += "a"; });
  loop.call_soon([&] { called += "b"; });
  loop.run_once();
  Handle handle = loop.call_soon([&] { called += "c"; });
  loop.call_soon([&] { called += "d"; });
  handle.cancel();
  loop.run_once();
  CHECK(called == "abd");
}

TEST_CASE("handles: one may cancel another of the same round") {
  EventLoop loop;
  std::string called;
  Handle handle;
  loop.call_soon([&] {
    called += "a";
    handle.cancel();
  });
  handle = loop.call_soon([&] { called += "b"; });
  loop.run_once();
  loop.call_soon([&] { called += "c"; });
  loop.run_once();
  CHECK(called == "ac");
}

TEST_CASE("handles: cancelling is allowed at any time, any number of times") {
  EventLoop loop;
  int called = 0;
  Handle nothing;
  nothing.cancel();
  Handle own;
  own = loop.call_soon([&] {
    ++called;
    own.cancel();
  });
  loop.run_once();
  own.cancel();
  Handle next = loop.call_soon([&] { ++called; });
  own.cancel();
  loop.run_once();
  CHECK(called == 2);
  next.cancel();
  next.cancel();
  loop.call_soon([&] { ++called; });
  next.cancel();
  loop.run_once();
  CHECK(called == 3);
}

TEST_CASE("handles: of a call that was made, cancelled for the first time") {
  EventLoop loop;
  std::string called;
  Handle made = loop.call_soon([&] { called += "a"; });
  loop.run_once();
  loop.call_soon([&] { called += "b"; });
  CHECK_FALSE(made.cancelled());
  made.cancel();
  CHECK(made.cancelled());
  loop.run_once();
  CHECK(called == "ab");
}

TEST_CASE("handles: cancelling destroys what the callback owns") {
  EventLoop loop;
  const auto owned = std::make_shared<int>();
  Handle handle = loop.call_soon([owned] {});
  handle.cancel();
  CHECK(owned.use_count() == 1);
}

TEST_CASE("handles: what a cancelled callback owns may call the loop") {
  struct Owner {
    explicit Owner(EventLoop& its_loop) : loop(its_loop) {}
    ~Owner() {
      for (int i = 0; i < 1000; ++i) {
        loop.call_soon([] {});
      }
      handle.cancel();
    }
    EventLoop& loop;
    Handle handle;
  };
  EventLoop loop;
  auto owner = std::make_shared<Owner>(loop);
  Owner& seen = *owner;
  Handle handle = loop.call_soon([owned = std::move(owner)] {});
  seen.handle = handle;
  handle.cancel();
  bool called = false;
  loop.call_soon([&] { called = true; });
  loop.run_once();
  CHECK(called);
}

TEST_CASE("handles: whether cancel() was called, in time or not") {
  EventLoop loop;
  Handle none;
  CHECK_FALSE(none.cancelled());
  Handle early = loop.call_soon([] {});
  Handle late = loop.call_soon([] {});
  CHECK_FALSE(early.cancelled());
  early.cancel();
  CHECK(early.cancelled());
  loop.run_once();
  CHECK_FALSE(late.cancelled());
  late.cancel();
  late.cancel();
  CHECK(late.cancelled());
}
