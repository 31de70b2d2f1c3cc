// Programs of asynchronous generators that asyncgen_everywhere.cpp disturbs.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"

namespace test_asyncgen_everywhere {

using namespace asyncio;
using namespace std::chrono_literals;

/// How many of these there are: in every frame is one.
class Witness {
 public:
  Witness() { ++alive; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --alive; }

  static inline int alive = 0;
};

inline AsyncGenerator<int> numbers(int count) {
  const Witness witness;
  for (int i = 0; i < count; ++i) {
    co_await sleep(1s);
    co_await sleep(0s);
    co_yield i;
  }
}

/// Its end takes a while, however that comes.
inline AsyncGenerator<int> cleans_up(AsyncGenerator<int> source) {
  const Witness witness;
  std::exception_ptr exception;
  try {
    while (const auto number = co_await source.anext()) {
      co_yield *number;
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await source.aclose();
  co_await sleep(1s);
  if (exception) {
    std::rethrow_exception(exception);
  }
}

/// Does not want to end, once.
inline AsyncGenerator<int> refuses(AsyncGenerator<int> source) {
  const Witness witness;
  try {
    while (const auto number = co_await source.anext()) {
      co_yield *number;
    }
  } catch (const GeneratorExit&) {
  }
  co_await sleep(1s);
  co_yield -1;
  co_await sleep(1s);
}

inline AsyncGenerator<std::vector<int>> batches(AsyncGenerator<int> source) {
  const Witness witness;
  std::vector<int> batch;
  while (const auto number = co_await source.anext()) {
    batch.push_back(*number);
    if (batch.size() == 2) {
      co_yield std::exchange(batch, {});
    }
  }
}

inline Coroutine<> iterates() {
  const Witness witness;
  auto pipeline = batches(cleans_up(numbers(4)));
  while (co_await pipeline.anext()) {
    co_await sleep(0s);
  }
}

inline Coroutine<> breaks() {
  const Witness witness;
  {
    auto pipeline = batches(cleans_up(numbers(4)));
    co_await pipeline.anext();
  }
  co_await sleep(3s);
}

inline Coroutine<> uses(AsyncGenerator<int> generator) {
  const Witness witness;
  co_await generator.anext();
  co_await sleep(1s);
  co_await generator.anext();
}

inline Coroutine<> closes() {
  const Witness witness;
  auto generator = cleans_up(numbers(4));
  co_await async_with(aclosing(generator), uses(generator));
}

inline Coroutine<> insists() {
  const Witness witness;
  auto generator = refuses(numbers(4));
  co_await generator.anext();
  try {
    co_await generator.aclose();
  } catch (const std::runtime_error&) {
  }
  co_await sleep(1s);
}

inline Coroutine<> throws() {
  const Witness witness;
  auto generator = cleans_up(numbers(4));
  co_await generator.anext();
  try {
    co_await generator.athrow(std::domain_error("eels"));
  } catch (const std::domain_error&) {
  }
  co_await generator.anext();
}

inline Coroutine<> hurries() {
  const Witness witness;
  auto generator = cleans_up(numbers(4));
  try {
    co_await wait_for(generator.anext(), 500ms);
  } catch (const TimeoutError&) {
  }
  auto other = refuses(numbers(4));
  try {
    co_await wait_for(other.anext(), 500ms);
  } catch (const TimeoutError&) {
  }
}

inline Coroutine<int> gives(int value, Seconds delay) {
  const Witness witness;
  co_await sleep(delay);
  co_return value;
}

inline Coroutine<> completes() {
  const Witness witness;
  std::vector<Coroutine<int>> works;
  works.push_back(gives(1, 2s));
  works.push_back(gives(2, 1s));
  auto results = aiter(as_completed(std::move(works)));
  while (co_await results.anext()) {
  }
}

inline Coroutine<> shuts_down() {
  const Witness witness;
  auto one = cleans_up(numbers(4));
  auto other = refuses(numbers(4));
  co_await one.anext();
  co_await other.anext();
  co_await shutdown_asyncgens();
}

struct Program {
  const char* name;
  Coroutine<> (*run)();
};

inline const std::vector<Program>& programs() {
  static const std::vector<Program> all{
      {"iterates", iterates},   {"breaks", breaks},
      {"closes", closes},       {"insists", insists},
      {"throws", throws},       {"hurries", hurries},
      {"completes", completes}, {"shuts_down", shuts_down},
  };
  return all;
}

/// Nobody asks for these errors here.
inline void ignore(const std::string&, std::exception_ptr) {}

}  // namespace test_asyncgen_everywhere
