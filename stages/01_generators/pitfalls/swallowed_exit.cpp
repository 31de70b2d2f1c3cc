// A loop that catches every exception catches GeneratorExit, too: close()
// throws it in, `catch (...)` swallows it, and the generator yields once more.
// In Python a bare `except:` does the same.
//
// (The destructor cannot throw: it prints the error on stderr.)
//
// Cure: catch std::exception. GeneratorExit does not derive from that, so it
// passes.
//
// Stderr: worker: exception ignored while it was closed
// Prints:
//   worker: hello
//   worker: cannot: bad word
//   closing it: generator ignored GeneratorExit
//   cured: hello
//   cured: cannot: bad word
//   closing it: fine
#include <cstdio>
#include <stdexcept>
#include <string>

#include "generator.hpp"

using namespace asyncio;

static void work(const char* who, const std::optional<std::string>& word) {
  if (word == "bug") {
    throw std::runtime_error("bad word");
  }
  std::printf("%s: %s\n", who, word.value_or("nothing").c_str());
}

static Generator<void, std::string> worker() {
  while (true) {
    try {
      const std::optional<std::string> word = co_yield None;
      work("worker", word);
    } catch (const std::exception& error) {
      std::printf("worker: cannot: %s\n", error.what());
    } catch (...) {
    }
  }
}

static Generator<void, std::string> cured() {
  while (true) {
    try {
      const std::optional<std::string> word = co_yield None;
      work("cured", word);
    } catch (const std::exception& error) {
      std::printf("cured: cannot: %s\n", error.what());
    }
  }
}

static void use(Generator<void, std::string>& generator) {
  generator.next();
  generator.send("hello");
  generator.send("bug");
  try {
    generator.close();
    std::printf("closing it: fine\n");
  } catch (const std::exception& error) {
    std::printf("closing it: %s\n", error.what());
  }
}

int main() {
  auto wrong = worker();
  use(wrong);
  auto right = cured();
  use(right);
}
