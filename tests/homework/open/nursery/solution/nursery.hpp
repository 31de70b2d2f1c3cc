#pragma once

#include <exception>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "exceptions.hpp"
#include "tasks.hpp"

namespace asyncio {

/// Where tasks live: whoever starts one needs a nursery, and whoever opens a
/// nursery waits for all that is in it. (trio.Nursery)
class Nursery {
 public:
  Nursery() = default;
  Nursery(const Nursery&) = delete;
  Nursery& operator=(const Nursery&) = delete;
  ~Nursery() {
    deliver_.cancel();
    for (const auto& [number, child] : children_) {
      child.task.remove_done_callback(child.callback);
    }
  }

  /// Starts a child. Throws std::logic_error once the nursery is closed.
  /// (Nursery.start_soon)
  void start_soon(Coroutine<> child) {
    if (closed_) {
      throw std::logic_error("the nursery is closed");
    }
    const unsigned number = ++last_number_;
    const Task<> task = create_task(std::move(child));
    const unsigned callback = task.add_done_callback(
        [this, number] { child_done(number); });
    children_.insert({number, Child{task, callback}});
  }

  /// Cancels all that is in here, for good. (trio: Nursery.cancel_scope.cancel)
  void cancel() {
    if (!cancelled_ && !closed_) {
      cancelled_ = true;
      deliver_cancellation();
    }
  }

  /// For open_nursery: waits for the last one, and throws what went wrong.
  Coroutine<> join() {
    std::exception_ptr cancelled;
    while (!children_.empty()) {
      last_done_.emplace();
      try {
        co_await *last_done_;
      } catch (const CancelledError&) {
        cancelled = std::current_exception();
        cancel();
      }
    }
    closed_ = true;
    if (!errors_.empty()) {
      throw ExceptionGroup("unhandled errors in a nursery", errors_);
    }
    if (cancelled) {
      std::rethrow_exception(cancelled);
    }
  }

 private:
  struct Child {
    AnyTask task;
    unsigned callback;
  };

  // A state, not an event: in every round whoever is left hears it again, once
  // it waits for something. (anyio: CancelScope._deliver_cancellation)
  void deliver_cancellation() {
    for (const auto& [number, child] : children_) {
      child.task.cancel();
    }
    deliver_ = get_running_loop().call_soon([this] {
      deliver_ = Handle();
      if (!children_.empty()) {
        deliver_cancellation();
      }
    });
  }

  void child_done(unsigned number) {
    const AnyTask task = children_.at(number).task;
    children_.erase(number);
    if (const auto error = task.cancelled() ? nullptr : task.exception()) {
      errors_.push_back(error);
      cancel();
    }
    if (children_.empty() && last_done_ && !last_done_->done()) {
      last_done_->set_result();
    }
  }

  /// By number, so that they are cancelled in the order of their creation.
  std::map<unsigned, Child> children_;
  unsigned last_number_ = 0;
  std::optional<Future<>> last_done_;
  std::vector<std::exception_ptr> errors_;
  Handle deliver_;
  bool cancelled_ = false;
  bool closed_ = false;
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
  Nursery nursery;
  // A child like any other: so a cancellation of the whole and one of the body
  // are two things.
  nursery.start_soon(body(nursery));
  co_await nursery.join();
}

}  // namespace asyncio
