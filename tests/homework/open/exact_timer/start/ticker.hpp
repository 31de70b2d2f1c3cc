#pragma once

#include <cstdint>
#include <stdexcept>

#include "coroutines.hpp"

namespace asyncio {

/// Pauses until the loop's clock shows `when`; one that is over only lets the
/// others run.
inline Coroutine<> sleep_until(Seconds when) {
  (void)when;
  throw std::logic_error("sleep_until() is not written yet");
  co_return;
}

/// Tick number n is `n * period` after this was made: 1, 2, 3 and so on.
class Ticker {
 public:
  explicit Ticker(Seconds period) { (void)period; }

  /// Pauses until the next tick. Returns its number.
  Coroutine<std::int64_t> next() {
    throw std::logic_error("Ticker::next() is not written yet");
    co_return 0;
  }
};

}  // namespace asyncio
