// g++ 11 and 12 destroy some temporaries of a co_yield or co_await twice,
// without a warning and at every -O: braced aggregates (`co_yield Event{...}`),
// default arguments of that kind, and lambdas that capture. A string in such an
// object would be freed twice; here only a counter is wrong. With clang, both
// answers are yes.
//
// Cure: name the object first, then move it in. Or give its type a constructor.
//
// Prints:
//   in place: made as often as destroyed? ...
//   named first: made as often as destroyed? yes
#include <cstdio>
#include <utility>

#include "generator.hpp"

using namespace asyncio;

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
struct Event {
  int number;
  Counted counted;
};

static Generator<Event> in_place() {
  co_yield Event{1, {}};
}

static Generator<Event> named_first() {
  Event event{1, {}};
  co_yield std::move(event);
}

static void show(const char* what, Generator<Event> (*make)()) {
  made = 0;
  destroyed = 0;
  {
    auto events = make();
    while (events.next()) {
    }
  }
  const char* answer = made == destroyed ? "yes" : "no, once too often";
  std::printf("%s: made as often as destroyed? %s\n", what, answer);
}

int main() {
  show("in place", in_place);
  show("named first", named_first);
}
