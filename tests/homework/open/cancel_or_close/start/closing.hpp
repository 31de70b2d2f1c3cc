#pragma once

#include "not_there_yet.hpp"
#include "tasks.hpp"

namespace asyncio {

/// Ends the coroutine of `task` now, as generator.close() does: when this
/// returns, its frame is gone. Returns false if it had ended. Throws
/// std::logic_error in the task itself.
template <class T>
bool close_task(const Task<T>& task) {
  static_cast<void>(task);
  not_there_yet("close_task");
}

}  // namespace asyncio
