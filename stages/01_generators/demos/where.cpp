// A paused generator is a place in the source.
#include <cstdio>
#include <cstring>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<void> bake() {
  co_yield None;
  co_yield None;
}

static Generator<void> dinner(Generator<void>* oven) {
  co_yield None;
  co_await *oven;
}

static void print(const Generator<void>& generator) {
  const Where where = generator.where();
  const char* const slash = std::strrchr(where.file, '/');
  std::printf("%s() at %s:%d", where.function, slash ? slash + 1 : where.file,
              where.line);
}

static void show_where() {
  auto oven = bake();
  auto meal = dinner(&oven);
  bool baking = false;
  while (meal.next()) {
    print(meal);
    if (baking) {
      std::printf(", ");
      print(oven);
    }
    std::printf("\n");
    baking = true;
  }
}

static const Demo<void()> demo{
    "where", "the lines at which a chain is paused", show_where};
