#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "asyncio.hpp"

namespace asyncio {

/// A loop that waits with select() or with poll(): "select", "poll". Throws
/// std::invalid_argument for any other way.
inline std::unique_ptr<EventLoop> make_loop(const std::string& way) {
  if (way == "select") {
    return std::make_unique<EventLoop>();
  }
  if (way == "poll") {
    return std::make_unique<EventLoop>(Wait(wait_with_poll));
  }
  throw std::invalid_argument("there is no way to wait " + way);
}

/// A loop that waits as somebody else knows how.
inline std::unique_ptr<EventLoop> make_loop_with(Wait wait) {
  return std::make_unique<EventLoop>(std::move(wait));
}

}  // namespace asyncio
