// Two connected descriptors for a test.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "ways.hpp"

namespace test_ways {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

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

/// A few rounds that do not wait.
inline void rounds(EventLoop& loop, int count = 3) {
  for (int i = 0; i < count; ++i) {
    loop.call_soon([] {});
    loop.run_once();
  }
}

/// Runs a test in a loop of each way.
template <class Test>
void in_each_loop(Test test) {
  for (const char* way : {"select", "poll"}) {
    INFO("way: " << std::string(way));
    const std::unique_ptr<EventLoop> loop = make_loop(way);
    test(*loop);
  }
}

}  // namespace test_ways
