#pragma once

#include <memory>

#include "tasks.hpp"

namespace asyncio {

/// Ends the coroutine of `task` now, as generator.close() does: when this
/// returns, its frame is gone. Returns false if it had ended. Throws
/// std::logic_error in the task itself.
template <class T>
bool close_task(const Task<T>& task) {
  return std::static_pointer_cast<TaskState<T>>(task.shared())->close();
}

}  // namespace asyncio
