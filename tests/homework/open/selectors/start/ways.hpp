#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "asyncio.hpp"
#include "not_there_yet.hpp"

namespace asyncio {

/// Whom to wait for, or who is ready: EVENT_READ and EVENT_WRITE, by
/// descriptor.
using Events = std::map<int, int>;

/// Waits until one of them is ready, for so long at most; without a time for
/// as long as it takes. Returns those that are.
using Wait =
    std::function<Events(const Events& watched, std::optional<Seconds>)>;

/// A loop that waits with select() or with poll(): "select", "poll". Throws
/// std::invalid_argument for any other way.
inline std::unique_ptr<EventLoop> make_loop(const std::string& way) {
  static_cast<void>(way);
  not_there_yet("make_loop");
}

/// A loop that waits as somebody else knows how.
inline std::unique_ptr<EventLoop> make_loop_with(Wait wait) {
  static_cast<void>(wait);
  not_there_yet("make_loop_with");
}

}  // namespace asyncio
