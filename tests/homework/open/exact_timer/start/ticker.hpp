#pragma once

#include <cstdint>

#include "coroutines.hpp"
#include "not_there_yet.hpp"

namespace asyncio {

/// Pauses until the loop's clock shows `when`; one that is over only lets the
/// others run.
inline Coroutine<> sleep_until(Seconds when) {
  (void)when;
  not_there_yet("sleep_until");
  co_return;
}

/// Tick number n is `n * period` after this was made: 1, 2, 3 and so on.
class Ticker {
 public:
  explicit Ticker(Seconds period) { (void)period; }

  /// Pauses until the next tick. Returns its number.
  Coroutine<std::int64_t> next() {
    not_there_yet("Ticker::next");
    co_return 0;
  }
};

}  // namespace asyncio
