// PEP 380: what a delegate returns, and what is sent through to it.
#include <cstdio>
#include <vector>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

struct Average {
  Average(int n, double mean) : count(n), value(mean) {}
  int count;
  double value;
};

/// Takes numbers until None comes: next() sends nothing.
static Generator<void, double, Average> averager() {
  int count = 0;
  double total = 0;
  while (const std::optional<double> term = co_yield None) {
    ++count;
    total += *term;
  }
  co_return Average(count, count == 0 ? 0 : total / count);
}

/// Sees no number at all: they go through it to the averager.
static Generator<void, double> grouper(std::vector<Average>* averages) {
  while (true) {
    averages->push_back(co_await averager());
  }
}

static void show_averager() {
  const std::vector<std::vector<double>> groups = {
      {20, 21.5, 19, 23.5},
      {7.5, 8.5},
      {},
      {100},
  };
  std::vector<Average> averages;
  auto group = grouper(&averages);
  group.next();
  for (const auto& numbers : groups) {
    for (const double number : numbers) {
      group.send(number);
    }
    group.next();
  }
  for (const Average& average : averages) {
    std::printf("%d values, average %.2f\n", average.count, average.value);
  }
}

static const Demo<void()> demo{
    "averager", "PEP 380: a delegate that returns a value", show_averager};
