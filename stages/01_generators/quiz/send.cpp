// What is sent in becomes the value of the pending co_yield. Which numbers come
// out, and which go in where?
//
// Explanation:
// The first next() only brings the generator to its first co_yield, which shows
// 0. send(10) makes that co_yield give 10, the loop adds it and shows 10 at the
// next one. next() sends nothing, which the generator counts as 1. So send()
// returns what is yielded after the value that was sent.
#include <cstdio>
#include <optional>

#include "generator.hpp"

using namespace asyncio;

static Generator<int, int> sum() {
  int total = 0;
  while (true) {
    const std::optional<int> sent = co_yield total;
    total += sent.value_or(1);
  }
}

int main() {
  auto generator = sum();
  std::printf("%d\n", *generator.next());
  std::printf("%d\n", *generator.send(10));
  std::printf("%d\n", *generator.next());
  std::printf("%d\n", *generator.send(5));
}
