// Two connected sockets of a loop for a test.
#pragma once

#include <utility>

#include "asyncio.hpp"
#include "common/net.hpp"

struct SocketPair {
  explicit SocketPair(asyncio::EventLoop& loop)
      : SocketPair(stream_pair(), loop) {}
  SocketPair(std::pair<int, int> fds, asyncio::EventLoop& loop)
      : left(fds.first, loop), right(fds.second, loop) {}

  asyncio::Socket left;
  asyncio::Socket right;
};
