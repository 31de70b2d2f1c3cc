// A heap of (deadline, callback) has no order for timers that are due at the
// same time: it may return any of them first. So two calls change places, but
// only when the clock happens to stand still between them, or in a test with a
// virtual clock.
//
// Cure: a serial number as the second part of the key.
//
// Prints:
//   (deadline): ... order lost
//   (deadline, number): 1 2 3 4 5 6 7 order kept
#include <cstdio>
#include <functional>
#include <queue>
#include <vector>

struct Timer {
  double when;
  int number;
};

using Order = std::function<bool(const Timer&, const Timer&)>;

static void run(const char* what, const Order& later) {
  std::priority_queue<Timer, std::vector<Timer>, Order> heap(later);
  for (int number = 1; number <= 7; ++number) {
    heap.push(Timer{1.0, number});
  }
  std::printf("%s:", what);
  bool kept = true;
  int last = 0;
  while (!heap.empty()) {
    const int number = heap.top().number;
    heap.pop();
    std::printf(" %d", number);
    kept = kept && number == last + 1;
    last = number;
  }
  std::printf(" order %s\n", kept ? "kept" : "lost");
}

int main() {
  run("(deadline)", [](const Timer& a, const Timer& b) {
    return a.when > b.when;
  });
  run("(deadline, number)", [](const Timer& a, const Timer& b) {
    return a.when != b.when ? a.when > b.when : a.number > b.number;
  });
}
