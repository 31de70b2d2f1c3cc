// PEP 342: an exception that is thrown in comes out of the pending co_yield.
#include <cstdio>
#include <stdexcept>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

struct Hiccup : std::runtime_error {
  Hiccup() : std::runtime_error("hic") {}
};

/// Adds what is sent in, until nothing is. A hiccup does not disturb it.
static Generator<void, int, int> adder() {
  int total = 0;
  while (true) {
    try {
      while (const std::optional<int> number = co_yield None) {
        total += *number;
        std::printf("%d more: %d\n", *number, total);
      }
      co_return total;
    } catch (const Hiccup& hiccup) {
      std::printf("%s! still %d\n", hiccup.what(), total);
    }
  }
}

static void show_hiccup() {
  auto sum = adder();
  sum.next();
  sum.send(20);
  sum.throw_(Hiccup());
  sum.send(22);
  sum.next();
  std::printf("result: %d\n", sum.result());

  auto other = adder();
  other.next();
  try {
    other.throw_(std::runtime_error("too much"));
  } catch (const std::exception& error) {
    std::printf("not caught inside: %s\n", error.what());
  }
}

static const Demo<void()> demo{
    "hiccup", "PEP 342: an exception thrown in", show_hiccup};
