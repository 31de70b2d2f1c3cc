#include "common/testing.hpp"

#include <chrono>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "event_loop.hpp"
#include "pair.hpp"

using asyncio::EventLoop;
using test_select_loop::Pair;

TEST_CASE("readers_and_writers: in every round with something to read") {
  const Pair pair;
  EventLoop loop;
  int called = 0;
  loop.add_reader(pair.here, [&] { ++called; });
  loop.call_soon([] {});
  loop.run_once();
  CHECK(called == 0);
  pair.send();
  loop.run_once();
  loop.run_once();
  CHECK(called == 2);
  pair.receive();
  loop.call_soon([] {});
  loop.run_once();
  CHECK(called == 2);
}

TEST_CASE("readers_and_writers: the end of the stream is readable") {
  const Pair pair;
  EventLoop loop;
  bool called = false;
  loop.add_reader(pair.here, [&] { called = true; });
  ::shutdown(pair.there, SHUT_WR);
  loop.run_once();
  CHECK(called);
}

TEST_CASE("readers_and_writers: while there is room, and not without") {
  const Pair pair;
  EventLoop loop;
  int called = 0;
  loop.add_writer(pair.here, [&] { ++called; });
  loop.run_once();
  CHECK(called == 1);
  const std::string block(64 * 1024, 'x');
  while (::write(pair.here, block.data(), block.size()) > 0) {
  }
  while (::write(pair.here, block.data(), 1) > 0) {
  }
  loop.call_soon([] {});
  loop.run_once();
  CHECK(called == 1);
}

TEST_CASE("readers_and_writers: one descriptor may have both") {
  const Pair pair;
  EventLoop loop;
  int read = 0;
  int written = 0;
  loop.add_reader(pair.here, [&] { ++read; });
  loop.add_writer(pair.here, [&] { ++written; });
  loop.run_once();
  CHECK(read == 0);
  CHECK(written == 1);
  pair.send();
  loop.run_once();
  CHECK(read == 1);
  CHECK(written == 2);
  CHECK(loop.remove_writer(pair.here));
  for (int round = 0; round < 2; ++round) {
    loop.call_soon([] {});
    loop.run_once();
  }
  CHECK(read >= 2);
  CHECK(written == 2);
}

TEST_CASE("readers_and_writers: many descriptors, each has its own") {
  const Pair a;
  const Pair b;
  const Pair c;
  EventLoop loop;
  std::string called;
  loop.add_reader(a.here, [&] { called += "a"; });
  loop.add_reader(b.here, [&] { called += "b"; });
  loop.add_reader(c.here, [&] { called += "c"; });
  b.send();
  loop.run_once();
  CHECK(called == "b");
  b.receive();
  c.send();
  a.send();
  loop.run_once();
  CHECK(called.size() == 3);
  CHECK(called.find('a') != std::string::npos);
  CHECK(called.find('c') != std::string::npos);
}

TEST_CASE("readers_and_writers: a callback may add another one") {
  const Pair a;
  const Pair b;
  EventLoop loop;
  bool called = false;
  a.send();
  b.send();
  loop.add_reader(a.here, [&] {
    a.receive();
    loop.add_reader(b.here, [&] { called = true; });
  });
  loop.run_once();
  loop.run_once();
  CHECK(called);
}

TEST_CASE("readers_and_writers: while nobody can go on the loop sleeps") {
  const Pair pair;
  EventLoop loop;
  bool called = false;
  loop.add_reader(pair.here, [&] { called = true; });
  // However long this takes: a loop that sleeps makes few rounds meanwhile.
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    pair.send();
  });
  int rounds = 0;
  while (!called) {
    loop.run_once();
    ++rounds;
  }
  other.join();
  CHECK(rounds <= 5);
}

TEST_CASE("readers_and_writers: no descriptor has a negative number") {
  EventLoop loop;
  CHECK_THROWS_AS(loop.add_reader(-1, [] {}), std::invalid_argument);
  CHECK_THROWS_AS(loop.add_writer(-1, [] {}), std::invalid_argument);
  CHECK_FALSE(loop.remove_reader(-1));
  CHECK_FALSE(loop.remove_writer(-1));
}

TEST_CASE("readers_and_writers: what a trace says of a round") {
  const Pair pair;
  pair.send();
  const auto trace = traced([&] {
    EventLoop loop;
    loop.add_reader(pair.here, [] {});
    loop.add_writer(pair.there, [] {});
    loop.run_once();
    loop.remove_reader(pair.here);
    loop.remove_writer(pair.there);
  });
  const std::vector<std::string> events{
      "X round 1",
      "X wait {\"timeout\":\"none\",\"ready\":2}",
      "i ready {\"fd\":" + std::to_string(pair.here) + ",\"events\":1}",
      "i ready {\"fd\":" + std::to_string(pair.there) + ",\"events\":2}",
      "X handle {\"number\":0}",
      "X handle {\"number\":1}",
  };
  CHECK(missing(trace, events) == std::vector<std::string>());
}

TEST_CASE("readers_and_writers: one that is refused leaves the others alone") {
  const Pair pair;
  EventLoop loop;
  const auto reads = std::make_shared<int>();
  const auto writes = std::make_shared<int>();
  loop.add_reader(pair.here, [reads] { ++*reads; });
  loop.add_writer(pair.here, [writes] { ++*writes; });
  CHECK_THROWS_AS(loop.add_reader(-1, [] {}), std::invalid_argument);
  CHECK_THROWS_AS(loop.add_writer(-1, [] {}), std::invalid_argument);
  CHECK(reads.use_count() == 2);
  CHECK(writes.use_count() == 2);
  pair.send();
  loop.run_once();
  CHECK(*reads == 1);
  CHECK(*writes == 1);
}

TEST_CASE("readers_and_writers: one without memory is not watched") {
  const Pair pair;
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    EventLoop loop;
    try {
      const FailingAllocation failing(k);
      loop.add_reader(pair.here, [] {});
      has_failed = false;
    } catch (const std::bad_alloc&) {
    }
    CHECK(loop.remove_reader(pair.here) != has_failed);
  }
}
