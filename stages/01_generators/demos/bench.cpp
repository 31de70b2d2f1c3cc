// What a next() costs, and what each level of delegation adds to it.
#include <algorithm>
#include <cstdio>

#include "common/bench.hpp"
#include "common/programs.hpp"
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

// Volatile: the compiler must not look through the pointer, nor drop the sum.
static int (*volatile plain)(int) = add_one;
static volatile int sink;

/// Prints ns per call: the best of several runs, after one to warm up.
template <class Call>
static void measure(const char* what, Call call) {
  constexpr int n = 500'000;
  double best = 1e9;
  for (int run = 0; run < 8; ++run) {
    const auto start = cpu_ns();
    int value = 0;
    for (int i = 0; i < n; ++i) {
      value = call(value);
    }
    sink = value;
    const auto ns = static_cast<double>(cpu_ns() - start) / n;
    best = run == 0 ? best : std::min(best, ns);
  }
  std::printf("%-28s %6.1f ns\n", what, best);
}

static void measure_next(const char* what, Generator<int> generator) {
  measure(what, [&](int) { return *generator.next(); });
}

static void table() {
  measure("a plain call", [](int value) { return plain(value); });
  measure_next("next()", count());
  measure_next("next() through 1 level", through(0));
  measure_next("next() through 10 levels", through(9));
  measure_next("next() through 1,000 levels", through(999));
}

static const BenchTable bench_table{"table", "what a next() costs", table};
