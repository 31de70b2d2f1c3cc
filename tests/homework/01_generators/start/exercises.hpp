#pragma once

#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "generator.hpp"
#include "not_there_yet.hpp"

namespace asyncio {

/// start, start + step, start + 2 * step, and so on without an end. Nothing is
/// computed before somebody asks. (PEP 255)
inline Generator<int> count(int start, int step = 1) {
  not_there_yet("count");
}

/// value, and then less and less, as long as that is positive: each time by the
/// step that is sent in, or by 1 if nothing is. (PEP 342)
inline Generator<int, int> countdown(int value) {
  not_there_yet("countdown");
}

struct Average {
  Average(int n, double mean) : count(n), value(mean) {}
  int count;
  double value;
};

/// Takes the numbers that are sent in until next() sends none, and returns how
/// many there were and their mean: 0 for none. (PEP 380)
inline Generator<void, double, Average> averager() {
  not_there_yet("averager");
}

/// Sees no number itself: they go through it to an averager, one after the
/// other, for ever. Each one's Average comes to the end of *averages.
inline Generator<void, double> grouper(std::vector<Average>* averages) {
  not_there_yet("grouper");
}

/// 0, 1, ... x - 1
inline Generator<int> g(int x) {
  not_there_yet("g");
}

/// What g(1) yields, then g(2), and so on up to g(x), without a loop over their
/// values.
inline Generator<int> f(int x) {
  not_there_yet("f");
}

/// The first n values of source. It asks for no more than these; source is
/// closed when take is closed or has had enough.
inline Generator<int> take(int n, Generator<int> source) {
  not_there_yet("take");
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
  not_there_yet("walk");
}

/// One value of each in turn, for as long as any has one. What a generator
/// throws comes out of here, and that ends it.
inline Generator<int> round_robin(std::vector<Generator<int>> generators) {
  not_there_yet("round_robin");
}

/// What is thrown into patient().
struct Restart {};

/// 0, 1, 2, ... When a Restart is thrown in, it begins again at 0, which is
/// what throw_ gives. Anything else ends it. When it is closed, *closed becomes
/// true, and only then.
inline Generator<int> patient(bool* closed) {
  not_there_yet("patient");
}

}  // namespace asyncio
