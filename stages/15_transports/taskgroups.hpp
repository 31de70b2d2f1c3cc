// Scopes for tasks: nothing that was started in one runs on after its end.
// (CPython: Lib/asyncio/taskgroups.py)
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "async_with.hpp"
#include "tasks.hpp"

namespace asyncio {

/// A scope for tasks: its end waits for all of them. When one fails, the others
/// and the body are cancelled, and what went wrong comes out of the scope as
/// one ExceptionGroup. (asyncio.TaskGroup)
///
///   TaskGroup group;
///   auto body = [&]() -> Coroutine<> {
///     group.create_task(fetch("a"));
///     group.create_task(fetch("b"));
///     co_return;
///   };
///   co_await async_with(group, body());
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() {
    *destroyed_ = "TaskGroup was destroyed";
    for (const auto& [number, child] : children_) {
      child.task.remove_done_callback(child.callback);
    }
    // The parent may wait for that.
    if (last_done_) {
      last_done_->cancel();
    }
  }

  /// For async_with.
  const std::shared_ptr<const char*>& destroyed() const { return destroyed_; }

  /// Starts a task that the group waits for. Throws std::logic_error before
  /// the body begins, once the group shuts down, and after its end.
  /// (TaskGroup.create_task)
  template <class Awaitable>
  auto create_task(Awaitable awaitable, std::string name = "") {
    check_open();
    const auto task = asyncio::create_task(
        std::move(awaitable), parent_.get_loop(), std::move(name));
    try {
      add_child(++last_number_, task);
    } catch (...) {
      // No child rather than one that the group does not know.
      children_.erase(last_number_);
      task.cancel();
      throw;
    }
    return task;
  }

  /// For async_with. Throws std::logic_error outside of a task, and the second
  /// time.
  Coroutine<> aenter() {
    if (parent_) {
      throw std::logic_error("a TaskGroup can be entered once");
    }
    parent_ = current_task();
    if (!parent_) {
      throw std::logic_error("a TaskGroup needs a parent task");
    }
    co_return;
  }

  /// For async_with.
  Coroutine<> aexit(std::exception_ptr exception) {
    const auto gone = destroyed_;
    exiting_ = true;
    if (exception && !aborting_) {
      abort();
    }
    // The frame is being destroyed: the children are on their own.
    if (is_instance<GeneratorExit>(exception)) {
      co_return;
    }
    note_interrupt(exception);
    std::exception_ptr cancelled = take_cancellation(exception);
    while (!children_.empty()) {
      last_done_.emplace();
      try {
        co_await *last_done_;
      } catch (const CancelledError&) {
        if (!*gone && !aborting_) {
          cancelled = std::current_exception();
          abort();
        }
      }
      if (*gone) {
        throw std::logic_error(*gone);
      }
    }
    throw_up(cancelled, exception);
  }

 private:
  struct Child {
    AnyTask task;
    std::uint64_t callback;
  };

  void check_open() const {
    if (!parent_) {
      throw std::logic_error("the TaskGroup has not been entered");
    }
    if (exiting_ && children_.empty()) {
      throw std::logic_error("the TaskGroup is finished");
    }
    if (aborting_) {
      throw std::logic_error("the TaskGroup is shutting down");
    }
  }

  void add_child(unsigned number, const AnyTask& task) {
    Child& child = children_[number];
    child.task = task;
    child.callback =
        task.add_done_callback([this, gone = destroyed_, number] {
          // It is called a round after the child has ended.
          if (!*gone) {
            child_done(number);
          }
        });
  }

  void abort() {
    aborting_ = true;
    for (const auto& [number, child] : children_) {
      child.task.cancel();
    }
  }

  void note_interrupt(const std::exception_ptr& exception) {
    if (!interrupted_ && is_instance<KeyboardInterrupt>(exception)) {
      interrupted_ = exception;
    }
  }

  // Of what has ended the body: a cancellation is no error, and if it was the
  // group's own, it is nothing at all.
  std::exception_ptr take_cancellation(std::exception_ptr& exception) {
    std::exception_ptr cancelled;
    if (is_instance<CancelledError>(exception)) {
      cancelled = std::exchange(exception, nullptr);
    }
    if (parent_cancelled_ && parent_.uncancel() == 0) {
      cancelled = nullptr;
    }
    return cancelled;
  }

  // (TaskGroup._on_task_done)
  void child_done(unsigned number) {
    const AnyTask task = children_.at(number).task;
    children_.erase(number);
    if (children_.empty() && last_done_ && !last_done_->done()) {
      last_done_->set_result();
    }
    if (task.cancelled() || !task.exception()) {
      return;
    }
    errors_.push_back(task.exception());
    if (parent_.done()) {
      task.get_loop().call_exception_handler(
          "Task " + to_string(task) + " has errored out but its parent task " +
              to_string(parent_) + " is already completed",
          task.exception());
      return;
    }
    note_interrupt(task.exception());
    if (!aborting_ && !parent_cancelled_) {
      abort();
      // Taken back at the end: the parent is not meant, only its body.
      parent_cancelled_ = true;
      parent_.cancel();
    }
  }

  // Ctrl-C weighs more than an error, and that more than a cancellation.
  void throw_up(std::exception_ptr cancelled, std::exception_ptr exception) {
    if (interrupted_) {
      std::rethrow_exception(interrupted_);
    }
    if (cancelled && errors_.empty()) {
      std::rethrow_exception(cancelled);
    }
    if (exception) {
      errors_.push_back(exception);
    }
    if (!errors_.empty()) {
      throw ExceptionGroup("unhandled errors in a TaskGroup",
                           std::exchange(errors_, {}));
    }
  }

  AnyTask parent_;
  /// By number, so that they are cancelled in the order of their creation.
  std::map<unsigned, Child> children_;
  unsigned last_number_ = 0;
  std::shared_ptr<const char*> destroyed_ =
      std::make_shared<const char*>(nullptr);
  std::optional<Future<>> last_done_;
  std::vector<std::exception_ptr> errors_;
  std::exception_ptr interrupted_;
  bool exiting_ = false;
  bool aborting_ = false;
  bool parent_cancelled_ = false;
};

}  // namespace asyncio
