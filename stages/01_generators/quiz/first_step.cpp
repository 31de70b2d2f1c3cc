// A generator function prints, yields, prints. In which order do its lines and
// those of main() come?
//
// Explanation:
// Calling the function runs none of its body: it makes a frame that is paused
// at the opening brace. Each next() runs to the next co_yield, and what comes
// after that line waits for the following next(). The last next() runs to the
// end and returns nothing.
#include <cstdio>

#include "generator.hpp"

using namespace asyncio;

static Generator<int> numbers() {
  std::printf("begin\n");
  co_yield 1;
  std::printf("between\n");
  co_yield 2;
  std::printf("end\n");
}

int main() {
  auto generator = numbers();
  std::printf("made\n");
  std::printf("%d\n", *generator.next());
  std::printf("%d\n", *generator.next());
  std::printf("%s\n", generator.next() ? "more" : "no more");
}
