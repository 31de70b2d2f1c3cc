#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "generator.hpp"

namespace asyncio {

/// start, start + step, start + 2 * step, and so on without an end. Nothing is
/// computed before somebody asks. (PEP 255)
inline Generator<int> count(int start, int step = 1) {
  for (int value = start;; value += step) {
    co_yield value;
  }
}

/// value, and then less and less, as long as that is positive: each time by the
/// step that is sent in, or by 1 if nothing is. (PEP 342)
inline Generator<int, int> countdown(int value) {
  while (value > 0) {
    const std::optional<int> step = co_yield value;
    value -= step.value_or(1);
  }
}

struct Average {
  Average(int n, double mean) : count(n), value(mean) {}
  int count;
  double value;
};

/// Takes the numbers that are sent in until next() sends none, and returns how
/// many there were and their mean: 0 for none. (PEP 380)
inline Generator<void, double, Average> averager() {
  int count = 0;
  double total = 0;
  while (const std::optional<double> term = co_yield None) {
    ++count;
    total += *term;
  }
  co_return Average(count, count == 0 ? 0 : total / count);
}

/// Sees no number itself: they go through it to an averager, one after the
/// other, for ever. Each one's Average comes to the end of *averages.
inline Generator<void, double> grouper(std::vector<Average>* averages) {
  while (true) {
    averages->push_back(co_await averager());
  }
}

/// 0, 1, ... x - 1
inline Generator<int> g(int x) {
  for (int i = 0; i < x; ++i) {
    co_yield i;
  }
}

/// What g(1) yields, then g(2), and so on up to g(x), without a loop over their
/// values.
inline Generator<int> f(int x) {
  for (int i = 1; i <= x; ++i) {
    co_await g(i);
  }
}

/// The first n values of source. It asks for no more than these; source is
/// closed when take is closed or has had enough.
inline Generator<int> take(int n, Generator<int> source) {
  for (int i = 0; i < n; ++i) {
    const std::optional<int> value = source.next();
    if (!value) {
      co_return;
    }
    co_yield *value;
  }
  source.close();
}

struct Tree {
  explicit Tree(int v) : value(v) {}
  int value;
  std::unique_ptr<Tree> left;
  std::unique_ptr<Tree> right;
};

/// The values of a tree in order: left, the value, right. Must not need the
/// machine's stack, however deep the tree is, and a step must not cost more
/// the deeper it is: no loop that hands on what a subtree yields.
inline Generator<int> walk(const Tree* tree) {
  if (tree) {
    co_await walk(tree->left.get());
    co_yield tree->value;
    co_await walk(tree->right.get());
  }
}

/// One value of each in turn, for as long as any has one. What a generator
/// throws comes out of here, and that ends it.
inline Generator<int> round_robin(std::vector<Generator<int>> generators) {
  while (!generators.empty()) {
    std::vector<Generator<int>> rest;
    for (Generator<int>& generator : generators) {
      const std::optional<int> value = generator.next();
      if (value) {
        co_yield *value;
        rest.push_back(std::move(generator));
      }
    }
    generators = std::move(rest);
  }
}

/// What is thrown into patient().
struct Restart {};

/// 0, 1, 2, ... When a Restart is thrown in, it begins again at 0, which is
/// what throw_ gives. Anything else ends it. When it is closed, *closed becomes
/// true, and only then.
inline Generator<int> patient(bool* closed) {
  int value = 0;
  while (true) {
    try {
      co_yield value;
      ++value;
    } catch (const Restart&) {
      value = 0;
    } catch (const GeneratorExit&) {
      *closed = true;
      throw;
    }
  }
}

}  // namespace asyncio
