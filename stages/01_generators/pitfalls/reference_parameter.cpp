// A generator's body runs after the call is over. By then, a reference, a
// string_view or a pointer among its parameters may refer to an object of the
// caller that is gone: here a temporary string, destroyed at the semicolon.
//
// Cure: take parameters by value. The frame owns them as long as it lives.
//
// Flags: -fsanitize=address -O0 -g
// Exit: nonzero
// Stderr: heap-use-after-free
// Prints:
//   by value: just a moment, please
//   by reference:
#include <cstdio>
#include <string>
#include <string_view>

#include "generator.hpp"

using namespace asyncio;

static std::string polite(std::string what) { return what + ", please"; }

static Generator<std::string> words_of(std::string text) {
  co_yield text;
}

static Generator<std::string> words_at(std::string_view text) {
  co_yield std::string(text);
}

static void show(const char* what, Generator<std::string> words) {
  std::printf("%s:", what);
  std::fflush(stdout);
  for (const std::string& word : words) {
    std::printf(" %s", word.c_str());
  }
  std::printf("\n");
}

int main() {
  auto cured = words_of(polite("just a moment"));
  show("by value", std::move(cured));

  auto wrong = words_at(polite("just a moment"));
  show("by reference", std::move(wrong));
}
