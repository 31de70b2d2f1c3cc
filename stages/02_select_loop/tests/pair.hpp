// Two connected sockets for a test.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "common/net.hpp"

namespace test_select_loop {

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
  void send() const { [[maybe_unused]] auto count = ::write(there, "x", 1); }

  /// Takes it back.
  void receive() const {
    char byte;
    [[maybe_unused]] auto count = ::read(here, &byte, 1);
  }

  const int here;
  const int there;
};

}  // namespace test_select_loop
