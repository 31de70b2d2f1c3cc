// A million delegations cost no stack: neither to run, nor to fail, to close
// or to drop. Each within 256 kB.
#include <stdexcept>
#include <utility>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_deep_chains {

using namespace asyncio;

using Ints = Generator<int, void, int>;

constexpr int million = 1'000'000;
constexpr std::size_t small = 256 * 1024;

inline Ints chain(int levels) {
  if (levels == 0) {
    co_yield 1;
    co_return 0;
  }
  const int result = co_await chain(levels - 1);
  co_return result + 1;
}

inline Ints chain_that_counts(int levels, int* alive) {
  struct Counted {
    explicit Counted(int* count) : alive(count) { ++*alive; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --*alive; }
    int* alive;
  };
  const Counted counted(alive);
  if (levels == 0) {
    co_yield 1;
  } else {
    co_await chain_that_counts(levels - 1, alive);
  }
  co_return 0;
}

inline Ints around(Ints inner) { co_return co_await inner + 1; }

/// The same built from the inside: each holds the next as its parameter.
inline Ints nested(int levels) {
  Ints result = chain(0);
  for (int i = 0; i < levels; ++i) {
    result = around(std::move(result));
  }
  return result;
}

inline Ints ends_at_once(int value) { co_return value; }

inline Ints ends_later(int value) {
  co_yield value;
  co_return value;
}

inline Ints one_after_the_other(int n) {
  int sum = 0;
  for (int i = 0; i < n; ++i) {
    sum += co_await ends_at_once(1);
  }
  co_yield sum;
  for (int i = 0; i < n; ++i) {
    sum += co_await ends_later(1);
  }
  co_return sum;
}

/// Throwing is slow: every tenth does.
inline Ints fails(int value) {
  if (value % 10 == 0) {
    throw std::domain_error("eels");
  }
  co_return value;
}

inline Ints fails_one_after_the_other(int n, int* failed) {
  for (int i = 0; i < n; ++i) {
    try {
      co_await fails(i);
    } catch (const std::domain_error&) {
      ++*failed;
    }
  }
  co_return co_await fails(n);
}

TEST_SUITE("huge") {
  TEST_CASE("deep_chains: complete") {
    on_small_stack(small, [] {
      auto generator = chain(million);
      CHECK(generator.next() == 1);
      CHECK_FALSE(generator.next());
      CHECK(generator.result() == million);
    });
  }

  TEST_CASE("deep_chains: throw") {
    on_small_stack(small, [] {
      int alive = 0;
      auto generator = chain_that_counts(million, &alive);
      generator.next();
      CHECK(alive == million + 1);
      CHECK_THROWS_AS(
          generator.throw_(std::domain_error("eels")), std::domain_error
      );
      CHECK(alive == 0);
    });
  }

  TEST_CASE("deep_chains: close") {
    on_small_stack(small, [] {
      int alive = 0;
      auto generator = chain_that_counts(million, &alive);
      generator.next();
      generator.close();
      CHECK(alive == 0);
    });
  }

  TEST_CASE("deep_chains: are dropped half-way") {
    on_small_stack(small, [] {
      int alive = 0;
      {
        auto generator = chain_that_counts(million, &alive);
        generator.next();
        CHECK(alive == million + 1);
      }
      CHECK(alive == 0);
    });
  }

  TEST_CASE("deep_chains: built of parameters, complete") {
    on_small_stack(small, [] {
      auto generator = nested(million);
      CHECK(generator.next() == 1);
      CHECK_FALSE(generator.next());
      CHECK(generator.result() == million);
    });
  }

  TEST_CASE("deep_chains: built of parameters, are dropped") {
    on_small_stack(small, [] {
      auto half_way = nested(million / 10);
      half_way.next();
      const auto not_started = nested(million);
      CHECK_FALSE(not_started.done());
    });
  }

  TEST_CASE("deep_chains: a million one after the other, complete") {
    on_small_stack(small, [] {
      auto generator = one_after_the_other(million);
      CHECK(generator.next() == million);
      int steps = 0;
      while (generator.next()) {
        ++steps;
      }
      CHECK(steps == million);
      CHECK(generator.result() == 2 * million);
    });
  }

  TEST_CASE("deep_chains: a million one after the other, throw") {
    on_small_stack(small, [] {
      int failed = 0;
      auto generator = fails_one_after_the_other(million, &failed);
      CHECK_THROWS_AS(generator.next(), std::domain_error);
      CHECK(failed == million / 10);
    });
  }

  TEST_CASE("deep_chains: a million one after the other, are left half-way") {
    on_small_stack(small, [] {
      auto closed = one_after_the_other(million);
      auto dropped = one_after_the_other(million);
      for (int i = 0; i < 1000; ++i) {
        closed.next();
        dropped.next();
      }
      closed.close();
      CHECK(closed.done());
    });
  }
}

}  // namespace test_deep_chains
