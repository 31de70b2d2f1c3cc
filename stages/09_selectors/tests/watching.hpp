// Helpers for tests of selectors: two connected sockets, and all selectors.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_watching {

using namespace asyncio;

struct Pair {
  Pair() : Pair(stream_pair()) {}
  explicit Pair(std::pair<int, int> ends)
      : here(ends.first), there(ends.second) {}
  ~Pair() {
    ::close(here);
    ::close(there);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  /// Makes `here` readable.
  void send() const { CHECK(::send(there, "x", 1, 0) == 1); }

  /// Takes it back.
  void receive() const {
    char byte;
    CHECK(::recv(here, &byte, 1, 0) == 1);
  }

  const int here;
  const int there;
};

/// Runs a test once for each selector that the system has.
template <class Test>
void on_each_selector(Test test) {
  for (const SelectorChoice& choice : selector_choices()) {
    INFO("selector: " << std::string(choice.name));
    const std::unique_ptr<BaseSelector> selector = choice.create();
    test(*selector);
  }
}

/// What select() says, by descriptor. A selector may tell of reading and
/// writing in two entries, and may once or twice find nobody before the time is
/// over, as it does when a signal comes.
inline std::map<int, int> happened(
    BaseSelector& selector,
    std::optional<Seconds> timeout = Seconds(10)
) {
  BaseSelector::Ready ready;
  for (int i = 0; i < 3 && ready.empty(); ++i) {
    ready = selector.select(timeout);
  }
  std::map<int, int> result;
  for (const auto& [key, events] : ready) {
    CHECK((events & ~key.events) == 0);
    CHECK((result[key.fd] & events) == 0);
    result[key.fd] |= events;
  }
  return result;
}

}  // namespace test_watching
