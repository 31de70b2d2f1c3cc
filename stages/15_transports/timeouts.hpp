// Scopes for time: a timeout that has cancelled its task takes that back before
// its end. (CPython: Lib/asyncio/timeouts.py)
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>

#include "async_with.hpp"
#include "tasks.hpp"

namespace asyncio {

/// Cancels the task that is in its body once time is up, and makes a
/// TimeoutError of the CancelledError. (asyncio.Timeout)
class Timeout {
 public:
  /// Without a time it never is up.
  explicit Timeout(std::optional<Seconds> when) : when_(when) {}
  Timeout(Timeout&& other) noexcept : when_(other.when_) {}
  ~Timeout() {
    if (destroyed_) {
      *destroyed_ = "Timeout was destroyed";
    }
    cancel_call();
  }

  /// For async_with.
  const std::shared_ptr<const char*>& destroyed() {
    if (!destroyed_) {
      destroyed_ = std::make_shared<const char*>(nullptr);
    }
    return destroyed_;
  }

  /// On the loop's clock. (Timeout.when)
  std::optional<Seconds> when() const { return when_; }

  /// Throws std::logic_error outside of its body. (Timeout.reschedule)
  void reschedule(std::optional<Seconds> when) {
    if (state_ != State::entered) {
      throw std::logic_error("a timeout can be rescheduled in its body only");
    }
    when_ = when;
    cancel_call();
    EventLoop& loop = get_running_loop();
    loop_ = loop.lifeline();
    if (when && *when <= loop.time()) {
      soon_ = loop.call_soon([this] { expire(); });
    } else if (when) {
      later_ = loop.call_at(*when, [this] { expire(); });
    }
  }

  /// Whether time was up before the body ended. (Timeout.expired)
  bool expired() const {
    return state_ == State::expiring || state_ == State::expired;
  }

  /// For async_with. Throws std::logic_error outside of a task, and the second
  /// time.
  Coroutine<> aenter() {
    if (state_ != State::created) {
      throw std::logic_error("a timeout can be entered once");
    }
    task_ = current_task();
    if (!task_) {
      throw std::logic_error("a timeout needs a task to cancel");
    }
    cancelling_ = task_.cancelling();
    state_ = State::entered;
    reschedule(when_);
    co_return;
  }

  /// For async_with.
  Coroutine<> aexit(std::exception_ptr exception) {
    cancel_call();
    if (state_ == State::entered) {
      state_ = State::exited;
      co_return;
    }
    state_ = State::expired;
    // Unless somebody else wants the task cancelled as well.
    const bool nobody_else = task_.uncancel() <= cancelling_;
    if (nobody_else && is_instance<CancelledError>(exception)) {
      throw TimeoutError();
    }
  }

 private:
  enum class State { created, entered, expiring, expired, exited };

  void cancel_call() {
    // A Handle must not outlive its loop, a timeout may.
    if (loop_ && *loop_) {
      soon_.cancel();
    }
    later_.cancel();
  }

  void expire() {
    state_ = State::expiring;
    task_.cancel();
  }

  std::optional<Seconds> when_;
  State state_ = State::created;
  AnyTask task_;
  int cancelling_ = 0;
  std::shared_ptr<const char*> destroyed_;
  std::shared_ptr<EventLoop*> loop_;
  Handle soon_;
  TimerHandle later_;
};

/// (asyncio.timeout_at)
inline Timeout timeout_at(std::optional<Seconds> when) { return Timeout(when); }

/// `co_await async_with(timeout(1s), body())`: TimeoutError if the body takes
/// longer. (asyncio.timeout)
inline Timeout timeout(std::optional<Seconds> delay) {
  const Seconds now = get_running_loop().time();
  return delay ? Timeout(now + *delay) : Timeout(std::nullopt);
}

}  // namespace asyncio
