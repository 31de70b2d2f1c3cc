// A chain that is paused is closed: its innermost generator ends first.
#include <cstdio>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

struct Lamp {
  Lamp() { std::printf("lamp on\n"); }
  ~Lamp() { std::printf("lamp off\n"); }
};

static Generator<int> pages(const char* title) {
  int page = 0;
  try {
    while (true) {
      co_yield ++page;
    }
  } catch (const GeneratorExit&) {
    std::printf("%s: bookmark at page %d\n", title, page);
    throw;
  }
}

static Generator<int> evening(const char* title) {
  const Lamp lamp;
  co_await pages(title);
}

static void show_closing() {
  auto monday = evening("Odyssey");
  std::printf("page %d\n", *monday.next());
  std::printf("page %d\n", *monday.next());
  monday.close();
  std::printf("closed\n");
}

static const Demo<void()> demo{
    "closing", "a chain is closed, from the inside out", show_closing};
