// The loop asks whatever it was given, and asks it well.
#include <optional>

#include "pair.hpp"

namespace test_ways {

/// What a loop has asked for.
struct Asked {
  Events watched;
  std::optional<Seconds> timeout;
};

/// A way to wait that remembers what it is asked, and answers what it is told
/// to, once.
struct Oracle {
  Wait wait() {
    return [this](const Events& watched, std::optional<Seconds> timeout) {
      asked.push_back(Asked{watched, timeout});
      return std::exchange(answer, {});
    };
  }

  std::vector<Asked> asked;
  Events answer;
};

TEST_CASE("any_wait: it is asked for those that are watched") {
  Oracle oracle;
  const auto loop = make_loop_with(oracle.wait());
  loop->add_reader(7, [] {});
  loop->add_writer(7, [] {});
  loop->add_writer(5000, [] {});
  loop->run_once();
  loop->remove_reader(7);
  loop->run_once();
  loop->forget(5000);
  loop->run_once();
  REQUIRE(oracle.asked.size() == 3);
  CHECK(oracle.asked[0].watched ==
        Events{{7, EVENT_READ | EVENT_WRITE}, {5000, EVENT_WRITE}});
  CHECK(oracle.asked[1].watched ==
        Events{{7, EVENT_WRITE}, {5000, EVENT_WRITE}});
  CHECK(oracle.asked[2].watched == Events{{7, EVENT_WRITE}});
}

TEST_CASE("any_wait: whoever it names is called") {
  Oracle oracle;
  const auto loop = make_loop_with(oracle.wait());
  Log log;
  loop->add_reader(7, [&] { log.push_back("read"); });
  loop->add_writer(7, [&] { log.push_back("write"); });
  oracle.answer = {{7, EVENT_WRITE}};
  loop->run_once();
  CHECK(log == Log{"write"});
  oracle.answer = {{7, EVENT_READ}};
  loop->run_once();
  CHECK(log == Log{"write", "read"});
}

TEST_CASE("any_wait: what nobody has asked for is passed over") {
  Oracle oracle;
  const auto loop = make_loop_with(oracle.wait());
  Log log;
  loop->add_reader(7, [&] { log.push_back("read"); });
  oracle.answer = {{7, EVENT_READ | EVENT_WRITE}, {8, EVENT_READ}};
  CHECK_NOTHROW(loop->run_once());
  CHECK(log == Log{"read"});
  oracle.answer = {{7, EVENT_WRITE}};
  CHECK_NOTHROW(loop->run_once());
  CHECK(log == Log{"read"});
}

TEST_CASE("any_wait: for how long") {
  Oracle oracle;
  const auto loop = make_loop_with(oracle.wait());
  loop->add_reader(7, [] {});
  loop->run_once();
  loop->call_soon([] {});
  loop->run_once();
  loop->call_later(1h, [] {});
  loop->run_once();
  REQUIRE(oracle.asked.size() == 3);
  CHECK_FALSE(oracle.asked[0].timeout.has_value());
  CHECK(oracle.asked[1].timeout == Seconds(0));
  REQUIRE(oracle.asked[2].timeout.has_value());
  CHECK(*oracle.asked[2].timeout > Seconds(3500));
  CHECK(*oracle.asked[2].timeout <= Seconds(3600));
}

TEST_CASE("any_wait: two loops, two ways") {
  Oracle oracle;
  const auto one = make_loop_with(oracle.wait());
  const auto other = make_loop("poll");
  const Pair pair;
  int read = 0;
  other->add_reader(pair.here, [&] { ++read; });
  pair.send();
  other->run_once();
  CHECK(read == 1);
  CHECK(oracle.asked.empty());
  other->forget(pair.here);
}

}  // namespace test_ways
