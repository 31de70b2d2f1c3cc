// The body of a scope is written inside the co_await expression, as a lambda
// with captures. It reads well, but g++ 11 and 12 destroy the captures of such
// a temporary once too often. With [&] no harm is done, as references have no
// destructor. But what a capture by value owns is freed twice.
//
// Cure: give the lambda a name, so that it lives as long as the block, and
// co_await the coroutine that it makes.
//
// Prints:
//   unnamed: made 2, destroyed ...
//   named: made 2, destroyed 2
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

static int made = 0;
static int destroyed = 0;

struct Owner {
  Owner() { ++made; }
  Owner(const Owner&) { ++made; }
  Owner& operator=(const Owner&) = delete;
  ~Owner() { ++destroyed; }
};

static Coroutine<> unnamed() {
  TaskGroup group;
  const Owner owner;
  co_await async_with(group, [&group, owner]() -> Coroutine<> {
    group.create_task(sleep(Seconds(0)));
    co_return;
  }());
}

static Coroutine<> named() {
  TaskGroup group;
  const Owner owner;
  const auto body = [&group, owner]() -> Coroutine<> {
    group.create_task(sleep(Seconds(0)));
    co_return;
  };
  co_await async_with(group, body());
}

static void count(const char* what, Coroutine<> coroutine) {
  made = 0;
  destroyed = 0;
  run(std::move(coroutine));
  std::printf("%s: made %d, destroyed %d\n", what, made, destroyed);
}

int main() {
  count("unnamed", unnamed());
  count("named", named());
}
