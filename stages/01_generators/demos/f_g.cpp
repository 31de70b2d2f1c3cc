// PEP 380: a generator that hands over to others.
#include <cstdio>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<int> g(int x) {
  for (int i = 0; i < x; ++i) {
    co_yield i;
  }
}

static Generator<int> f(int x) {
  for (int i = 1; i <= x; ++i) {
    co_await g(i);
  }
}

static void show_f_g() {
  const char* separator = "";
  for (int value : f(4)) {
    // Each g begins at 0.
    std::printf("%s%d", value == 0 ? separator : " ", value);
    separator = " | ";
  }
  std::printf("\n");
}

static const Demo<void()> demo{"f_g", "PEP 380: delegation", show_f_g};
