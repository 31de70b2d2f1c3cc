#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "coroutines.hpp"

namespace asyncio {

/// Pauses until the loop's clock shows `when`; one that is over only lets the
/// others run.
inline Coroutine<> sleep_until(Seconds when) {
  co_await sleep(when - get_running_loop().time());
}

/// Tick number n is `n * period` after this was made: 1, 2, 3 and so on.
class Ticker {
 public:
  explicit Ticker(Seconds period)
      : period_(period), start_(get_running_loop().time()) {}

  /// Pauses until the next tick. Returns its number.
  Coroutine<std::int64_t> next() {
    // The clock alone does not tell which was the last: it may have been read
    // a rounding error before the tick.
    const Seconds passed = get_running_loop().time() - start_;
    const auto over = static_cast<std::int64_t>(std::floor(passed / period_));
    number_ = std::max(number_ + 1, over + 1);
    co_await sleep_until(start_ + static_cast<double>(number_) * period_);
    co_return number_;
  }

 private:
  Seconds period_;
  Seconds start_;
  std::int64_t number_ = 0;
};

}  // namespace asyncio
