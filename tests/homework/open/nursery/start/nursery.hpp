#pragma once

#include <utility>

#include "not_there_yet.hpp"
#include "tasks.hpp"

namespace asyncio {

/// Where tasks live: whoever starts one needs a nursery, and whoever opens a
/// nursery waits for all that is in it. (trio.Nursery)
class Nursery {
 public:
  Nursery() = default;
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;

  /// Starts a child. Throws std::logic_error once the nursery is closed.
  /// (Nursery.start_soon)
  void start_soon(Coroutine<> child) {
    static_cast<void>(child);
    not_there_yet("start_soon");
  }

  /// Cancels all that is in here, for good. (trio: Nursery.cancel_scope.cancel)
  void cancel() { not_there_yet("cancel"); }
};

/// Opens a nursery, runs `body` with it, and waits for all that was started
/// there. (trio.open_nursery)
///
///   auto body = [](Nursery& nursery) -> Coroutine<> {
///     nursery.start_soon(fetch("a"));
///     nursery.start_soon(fetch("b"));
///     co_return;
///   };
///   co_await open_nursery(body);
template <class Body>
Coroutine<> open_nursery(Body body) {
  static_cast<void>(body);
  not_there_yet("open_nursery");
  co_return;
}

}  // namespace asyncio
