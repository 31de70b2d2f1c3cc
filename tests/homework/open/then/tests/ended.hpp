#pragma once

#include "asyncio.hpp"

namespace test_then {

/// Its result once the loop has nothing left to do: one that never ends is an
/// InvalidStateError, not a test that hangs.
template <class T>
T ended(asyncio::EventLoop& loop, const asyncio::Future<T>& future) {
  loop.run_until_idle();
  return future.result();
}

}  // namespace test_then
