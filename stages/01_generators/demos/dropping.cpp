// A generator that is destroyed while it is paused is closed first.
#include <cstdio>
#include <stdexcept>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<int> pages(const char* title, bool has_bookmark) {
  int page = 0;
  try {
    while (true) {
      co_yield ++page;
    }
  } catch (const GeneratorExit&) {
    if (!has_bookmark) {
      throw std::runtime_error("no bookmark");
    }
    std::printf("%s: bookmark at page %d\n", title, page);
    throw;
  }
}

static void read_one_page(const char* title, bool has_bookmark) {
  auto reading = pages(title, has_bookmark);
  std::printf("%s: page %d\n", title, *reading.next());
  // What goes wrong in its destructor is printed at once, on stderr.
  std::fflush(stdout);
}

static void show_dropping() {
  read_one_page("Odyssey", true);
  read_one_page("Ulysses", false);
}

static const Demo<void()> demo{
    "dropping", "what happens when it goes out of scope", show_dropping};
