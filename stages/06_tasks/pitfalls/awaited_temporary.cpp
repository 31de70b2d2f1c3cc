// g++ 11 and 12 destroy some temporaries in a co_await twice, without a warning
// and at every -O: braced aggregates (`co_await order(Pizza{...})`) and lambdas
// with captures. A string in such an object would be freed twice; here only a
// counter is wrong. With later versions and with clang it is right.
//
// Cure: give the object a name first, then move it into the call. Or give its
// type a constructor.
//
// Prints:
//   in place: made as often as destroyed? ...
//   named first: made as often as destroyed? yes
#include <cstdio>
#include <utility>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static int made = 0;
static int destroyed = 0;

struct Counted {
  Counted() { ++made; }
  Counted(const Counted&) { ++made; }
  Counted(Counted&&) noexcept { ++made; }
  Counted& operator=(const Counted&) = default;
  ~Counted() { ++destroyed; }
};

/// An aggregate: no constructor of its own.
struct Pizza {
  int number;
  Counted counted;
};

static Coroutine<> order(Pizza) { co_await sleep(1ms); }

static Coroutine<> in_place() {
  co_await order(Pizza{1, {}});
}

static Coroutine<> named_first() {
  Pizza pizza{1, {}};
  co_await order(std::move(pizza));
}

static void show(const char* what, Coroutine<> (*make)()) {
  made = 0;
  destroyed = 0;
  run(make());
  const char* answer = made == destroyed ? "yes" : "no, once too often";
#if !defined(__GNUC__) || defined(__clang__) || __GNUC__ >= 13
  if (made != destroyed) {
    answer = "no, and this compiler ought to know better";
  }
#endif
  std::printf("%s: made as often as destroyed? %s\n", what, answer);
}

int main() {
  show("in place", in_place);
  show("named first", named_first);
}
