// What may not be done to a generator, and what it says then.
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "common/command_line.hpp"
#include "generator.hpp"

using namespace asyncio;

static Generator<int, int> numbers() {
  co_yield 1;
  co_yield 2;
}

static Generator<int, int> snake(Generator<int, int>* tail) {
  co_yield *tail->next();
}

static Generator<int, int> waits_for(Generator<int, int>* other) {
  co_await *other;
}

template <class Mistake>
static void make(const char* what, Mistake mistake) {
  try {
    mistake();
    std::printf("%s: fine\n", what);
  } catch (const std::logic_error& error) {
    std::printf("%s: %s\n", what, error.what());
  }
}

static void show_mistakes() {
  Generator<int, int> itself = snake(&itself);
  make("resumed by itself", [&] { itself.next(); });

  auto shared = numbers();
  auto one = waits_for(&shared);
  auto two = waits_for(&shared);
  one.next();
  make("awaited by two", [&] { two.next(); });

  auto early = numbers();
  make("sent to before it began", [&] { early.send(5); });
  make("asked for its result too early", [&] { early.result(); });
  const auto taken = std::move(early);
  make("used after it was moved", [&] { early.next(); });
}

static const Demo<void()> demo{
    "mistakes", "what a generator refuses", show_mistakes};
