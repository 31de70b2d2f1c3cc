#include "common/testing.hpp"

#include <memory>
#include <string>

#include "event_loop.hpp"

using asyncio::EventLoop;

TEST_CASE("call_soon: the order of the requests is that of the calls") {
  EventLoop loop;
  std::string called;
  loop.call_soon([&] { called += "a"; });
  loop.call_soon([&] { called += "b"; });
  loop.call_soon([&] { called += "c"; });
  CHECK(called == "");
  loop.run_once();
  CHECK(called == "abc");
}

TEST_CASE("call_soon: what is queued during a round runs in the next one") {
  EventLoop loop;
  std::string called;
  loop.call_soon([&] {
    called += "a";
    loop.call_soon([&] { called += "c"; });
  });
  loop.call_soon([&] { called += "b"; });
  loop.run_once();
  CHECK(called == "ab");
  loop.run_once();
  CHECK(called == "abc");
}

TEST_CASE("call_soon: each request is one call") {
  EventLoop loop;
  int called = 0;
  const auto callback = [&] { ++called; };
  loop.call_soon(callback);
  loop.call_soon(callback);
  loop.run_once();
  CHECK(called == 2);
  loop.call_soon([] {});
  loop.run_once();
  CHECK(called == 2);
}

TEST_CASE("call_soon: a callback is destroyed once it was called") {
  EventLoop loop;
  const auto owned = std::make_shared<int>();
  loop.call_soon([owned] {});
  CHECK(owned.use_count() == 2);
  loop.run_once();
  CHECK(owned.use_count() == 1);
}

TEST_CASE("call_soon: a callback that was never called dies with the loop") {
  const auto owned = std::make_shared<int>();
  {
    EventLoop loop;
    loop.call_soon([owned] {});
  }
  CHECK(owned.use_count() == 1);
}
