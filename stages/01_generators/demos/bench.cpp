// What a co_await and a next() cost, and what each level of delegation adds.
#include <algorithm>
#include <cstdio>

#include "common/bench.hpp"
#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<int> count() {
  for (int value = 0;; ++value) {
    co_yield value;
  }
}

static Generator<int> through(int levels) {
  if (levels == 0) {
    co_await count();
  } else {
    co_await through(levels - 1);
  }
}

static int add_one(int value) { return value + 1; }

static Generator<void, void, int> add_one_later(int value) {
  co_return value + 1;
}

static Generator<void, void, int> count_by_awaiting(int n) {
  int value = 0;
  for (int i = 0; i < n; ++i) {
    value = co_await add_one_later(value);
  }
  co_return value;
}

// Volatile: the compiler must not look through the pointer, nor drop the sum.
static int (*volatile plain)(int) = add_one;
static volatile int sink;

/// Prints ns per operation, of which `work` does n: the best of several runs,
/// after one to warm up.
template <class Work>
static void measure(const char* what, Work work) {
  constexpr int n = 500'000;
  double best = 1e9;
  for (int run = 0; run < 8; ++run) {
    const auto start = cpu_ns();
    sink = work(n);
    const auto ns = static_cast<double>(cpu_ns() - start) / n;
    best = run == 0 ? best : std::min(best, ns);
  }
  std::printf("%-28s %6.1f ns\n", what, best);
}

static int count_by_calling(int n) {
  int value = 0;
  for (int i = 0; i < n; ++i) {
    value = plain(value);
  }
  return value;
}

static int await_all(int n) {
  auto counting = count_by_awaiting(n);
  counting.next();
  return counting.result();
}

static void measure_next(const char* what, Generator<int> generator) {
  measure(what, [&](int n) {
    int value = 0;
    for (int i = 0; i < n; ++i) {
      value = *generator.next();
    }
    return value;
  });
}

static void table() {
  measure("a plain call", count_by_calling);
  measure("co_await of a new generator", await_all);
  measure_next("next()", count());
  measure_next("next() through 1 level", through(0));
  measure_next("next() through 10 levels", through(9));
  measure_next("next() through 1,000 levels", through(999));
}

static const BenchTable bench_table{
    "table", "what a co_await and a next() cost", table};
