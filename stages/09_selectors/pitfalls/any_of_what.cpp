// A std::any holds exactly the type that was stored. The name of a function is
// stored as a pointer to a function, "text" as a const char*, and 1 as an int.
// A cast to std::function, std::string or long throws, and the compiler cannot
// warn.
//
// Cure: name the type once, and convert to it where the data are stored.
//
// Prints:
//   a function, asked for as std::function: bad_any_cast
//   "text", asked for as std::string: bad_any_cast
//   Handler(function), asked for as Handler: called for descriptor 7
#include <any>
#include <cstdio>
#include <functional>
#include <string>
#include <type_traits>

#include "selectors.hpp"

using namespace asyncio;

using Handler = std::function<void(int)>;

static void function(int fd) {
  std::printf("called for descriptor %d\n", fd);
}

template <class T>
static void ask(const char* what, const SelectorKey& key) {
  std::printf("%s: ", what);
  try {
    const T data = std::any_cast<T>(key.data);
    if constexpr (std::is_same_v<T, Handler>) {
      data(key.fd);
    }
  } catch (const std::bad_any_cast&) {
    std::puts("bad_any_cast");
  }
}

int main() {
  PollSelector selector;
  selector.register_(7, EVENT_READ, function);
  ask<Handler>(
      "a function, asked for as std::function", selector.get_key(7));
  selector.modify(7, EVENT_READ, "text");
  ask<std::string>("\"text\", asked for as std::string", selector.get_key(7));
  selector.modify(7, EVENT_READ, Handler(function));
  ask<Handler>(
      "Handler(function), asked for as Handler", selector.get_key(7));
}
