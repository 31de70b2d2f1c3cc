// Chains of a million asynchronous generators, with a stack of 256 kB: values,
// exceptions and the end pass through them without a call within a call.
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_deep_pipelines {

using namespace asyncio;
using namespace std::chrono_literals;

constexpr int million = 1'000'000;
constexpr int many = 50'000;
constexpr std::size_t small = 256 * 1024;

/// How many of these there are: in every frame is one.
class Witness {
 public:
  Witness() { ++alive; }
  Witness(Witness&&) noexcept { ++alive; }
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --alive; }

  static inline int alive = 0;
};

struct Loop : EventLoop {
  Loop() {
    use_virtual_clock();
    set_exception_handler([](const std::string&, std::exception_ptr) {});
  }
};

AsyncGenerator<int> two() {
  const Witness witness;
  for (int i = 0; i < 2; ++i) {
    co_await sleep(1s);
    co_yield i;
  }
}

/// Each has the next one as a variable.
AsyncGenerator<int> nested(int depth) {
  const Witness witness;
  auto source = depth == 0 ? two() : nested(depth - 1);
  while (const auto number = co_await source.anext()) {
    co_yield *number + 1;
  }
}

/// Each has the next one as a parameter.
AsyncGenerator<int> plus_one(AsyncGenerator<int> source) {
  const Witness witness;
  while (const auto number = co_await source.anext()) {
    co_yield *number + 1;
  }
}

AsyncGenerator<int> piped(int depth) {
  auto generator = two();
  for (int i = 0; i <= depth; ++i) {
    generator = plus_one(std::move(generator));
  }
  return generator;
}

Coroutine<int> sum(AsyncGenerator<int> numbers) {
  int result = 0;
  while (const auto number = co_await numbers.anext()) {
    result += *number;
  }
  co_return result;
}

Coroutine<> fails(AsyncGenerator<int> numbers) {
  co_await numbers.anext();
  bool has_thrown = false;
  try {
    co_await numbers.athrow(std::domain_error("eels"));
  } catch (const std::domain_error&) {
    has_thrown = true;
  }
  CHECK(has_thrown);
}

Coroutine<> closes(AsyncGenerator<int> numbers) {
  co_await numbers.anext();
  co_await numbers.aclose();
}

Coroutine<> drops(AsyncGenerator<int> numbers) {
  co_await numbers.anext();
}

void all_of(AsyncGenerator<int> (*make)(int), int depth) {
  on_small_stack(small, [make, depth] {
    Loop loop;
    CHECK(loop.run_until_complete(sum(make(depth))) == 2 * depth + 3);
    loop.run_until_idle();
    CHECK(Witness::alive == 0);
  });
}

void half_of(AsyncGenerator<int> (*make)(int), int depth) {
  for (const auto end : {fails, closes, drops}) {
    on_small_stack(small, [make, depth, end] {
      Loop loop;
      loop.run_until_complete(end(make(depth)));
      loop.run_until_idle();
      CHECK(Witness::alive == 0);
    });
  }
}

void outlives_its_loop(AsyncGenerator<int> (*make)(int), int depth) {
  on_small_stack(small, [make, depth] {
    std::optional<AsyncGenerator<int>> numbers;
    {
      Loop loop;
      numbers.emplace(make(depth));
      loop.run_until_complete(numbers->anext());
    }
    CHECK(Witness::alive == depth + 2);
    numbers.reset();
    CHECK(Witness::alive == 0);
  });
}

void loop_closes(AsyncGenerator<int> (*make)(int), int depth) {
  on_small_stack(small, [make, depth] {
    {
      Loop loop;
      const auto task = create_task(sum(make(depth)), loop);
      loop.run_once();
      CHECK(Witness::alive == depth + 2);
    }
    CHECK(Witness::alive == 0);
  });
}

TEST_CASE("deep_pipelines: five thousand") {
  for (const auto make : {nested, piped}) {
    all_of(make, 5'000);
    half_of(make, 5'000);
    outlives_its_loop(make, 5'000);
    loop_closes(make, 5'000);
  }
}

TEST_SUITE("huge") {
  TEST_CASE("deep_pipelines: complete") {
    all_of(nested, million);
    all_of(piped, million);
  }

  TEST_CASE("deep_pipelines: throw, are closed, are dropped half-way") {
    half_of(nested, many);
    half_of(piped, many);
  }

  TEST_CASE("deep_pipelines: outlive their loop") {
    outlives_its_loop(nested, many);
    outlives_its_loop(piped, many);
  }

  TEST_CASE("deep_pipelines: wait as their loop closes") {
    loop_closes(nested, many);
    loop_closes(piped, many);
  }

  TEST_CASE("deep_pipelines: are dropped before they begin") {
    on_small_stack(small, [] {
      { const auto generator = piped(million); }
      CHECK(Witness::alive == 0);
    });
  }

  TEST_CASE("deep_pipelines: a million values") {
    const auto numbers = []() -> AsyncGenerator<int> {
      for (int i = 0; i < million; ++i) {
        co_yield 1;
      }
    };
    on_small_stack(small, [&] {
      Loop loop;
      CHECK(loop.run_until_complete(sum(numbers())) == million);
    });
  }
}

}  // namespace test_deep_pipelines
