#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <forward_list>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "common/describe.hpp"
#include "event_loop.hpp"
#include "exceptions.hpp"
#include "generator.hpp"

namespace asyncio {

/// The part of a future that does not depend on what its result is: how it
/// stands, and who is to be told. All who hold a future share one of these.
class FutureBase {
 public:
  explicit FutureBase(EventLoop& loop) : loop_(loop.lifeline()) {}
  FutureBase(const FutureBase&) = delete;
  FutureBase& operator=(const FutureBase&) = delete;

  virtual ~FutureBase() = default;

  bool done() const { return state_ != State::pending; }
  bool cancelled() const { return state_ == State::cancelled; }

  virtual bool cancel(std::string message) {
    retrieved_ = true;
    if (done()) {
      return false;
    }
    exception_ = std::make_exception_ptr(CancelledError(std::move(message)));
    end(State::cancelled);
    return true;
  }

  virtual void set_exception(std::exception_ptr exception) {
    check_pending();
    if (!exception) {
      throw std::invalid_argument("there is no exception to set");
    }
    exception_ = std::move(exception);
    end(State::failed);
  }

  std::exception_ptr exception() {
    check_done("Exception is not set.");
    if (cancelled()) {
      std::rethrow_exception(exception_);
    }
    retrieved_ = true;
    return exception_;
  }

  /// Lets `schedule` tell the loop whom to call, once this is done. Returns
  /// what remove_done_callback needs.
  unsigned add_done_callback(std::function<void(EventLoop&)> schedule) {
    if (done()) {
      schedule(loop());
    } else {
      callbacks_.push_front(DoneCallback{std::move(schedule), ++last_id_});
    }
    return last_id_;
  }

  std::size_t remove_done_callback(unsigned id) {
    return callbacks_.remove_if([id](const DoneCallback& callback) {
      return callback.id == id;
    });
  }

  /// The loop that runs its callbacks. Throws std::logic_error once that is
  /// gone.
  EventLoop& loop() const {
    if (!*loop_) {
      throw std::logic_error("the event loop of this future is gone");
    }
    return **loop_;
  }

  virtual std::string to_string() const {
    return "<Future " + describe_state() + describe_outcome() + ">";
  }

  /// Says in a trace what `waiter` waits for, and at which line.
  virtual void trace_wait(const void* waiter, int line) const {
    trace::waits(waiter, "future", nullptr, line);
  }

 protected:
  enum class State : unsigned char { pending, finished, failed, cancelled };

  void check_pending() const {
    if (done()) {
      throw InvalidStateError("invalid state");
    }
  }

  void check_done(const char* message) const {
    if (!done()) {
      throw InvalidStateError(message);
    }
  }

  /// nullptr once it is gone.
  EventLoop* loop_if_alive() const { return *loop_; }

  /// Throws what result() has to throw.
  void check_result() {
    check_done("Result is not set.");
    if (exception_) {
      retrieved_ = true;
      std::rethrow_exception(exception_);
    }
  }

  /// Calls nobody from here: whoever sets a result is not to be surprised by
  /// what others do with it. (Future.__schedule_callbacks)
  void end(State state) {
    state_ = state;
    auto callbacks = std::exchange(callbacks_, {});
    callbacks.reverse();
    for (const DoneCallback& callback : callbacks) {
      callback.schedule(loop());
    }
  }

  /// For destructors: nobody can ask for the exception any more.
  /// (Future.__del__)
  void report_unretrieved(const char* kind) {
    if (state_ != State::failed || std::exchange(retrieved_, true)) {
      return;
    }
    const std::string message =
        std::string(kind) + " exception was never retrieved";
    if (*loop_) {
      (*loop_)->call_exception_handler(message, exception_);
    } else {
      std::fprintf(stderr, "%s: %s\n", message.c_str(),
                   describe(exception_).c_str());
    }
  }

  /// "pending", "finished" or "cancelled"
  std::string describe_state() const {
    if (cancelled()) {
      return "cancelled";
    }
    return done() ? "finished" : "pending";
  }

  /// " result=42", or nothing
  std::string describe_outcome() const {
    if (state_ == State::failed) {
      return " exception='" + describe(exception_) + "'";
    }
    return describe_result();
  }

  virtual std::string describe_result() const = 0;

 private:
  struct DoneCallback {
    std::function<void(EventLoop&)> schedule;
    unsigned id;
  };

  std::shared_ptr<EventLoop*> loop_;
  /// The newest first.
  std::forward_list<DoneCallback> callbacks_;
  std::exception_ptr exception_;
  unsigned last_id_ = 0;
  State state_ = State::pending;
  bool retrieved_ = false;
};

/// The same with a result.
template <class T>
class FutureState : public FutureBase {
 public:
  using FutureBase::FutureBase;
  ~FutureState() override { this->report_unretrieved("Future"); }

  virtual void set_result(Value<T> value) {
    check_pending();
    value_.emplace(std::move(value));
    end(State::finished);
  }

  T result() {
    check_result();
    if constexpr (std::is_copy_constructible_v<Value<T>>) {
      return static_cast<T>(*value_);
    } else {
      if (!value_) {
        throw InvalidStateError("the result was moved out already");
      }
      return *std::exchange(value_, std::nullopt);
    }
  }

 protected:
  std::string describe_result() const override {
    return value_ ? " result=" + describe_value(*value_) : "";
  }

 private:
  std::optional<Value<T>> value_;
};

/// A future of whatever: what can be said of it without its result.
class AnyFuture {
 public:
  AnyFuture() = default;
  explicit AnyFuture(std::shared_ptr<FutureBase> state)
      : state_(std::move(state)) {}

  /// Whether there is one at all.
  explicit operator bool() const { return state_ != nullptr; }

  /// Whether both are the same future.
  friend bool operator==(const AnyFuture&, const AnyFuture&) = default;

  /// Whether it has a result, has an exception or was cancelled. (Future.done)
  bool done() const { return state_->done(); }

  /// (Future.cancelled)
  bool cancelled() const { return state_->cancelled(); }

  /// Lets whoever awaits it have a CancelledError. Returns false if it was
  /// done. (Future.cancel)
  bool cancel(std::string message = "") const {
    return state_->cancel(std::move(message));
  }

  /// Returns nullptr if it has a result. Throws InvalidStateError before it is
  /// done, CancelledError if it was cancelled. (Future.exception)
  std::exception_ptr exception() const { return state_->exception(); }

  /// Lets the loop call `callback`, with this future or with nothing, once this
  /// is done. Returns what remove_done_callback needs.
  /// (Future.add_done_callback)
  template <class Callback>
  unsigned add_done_callback(Callback callback) const {
    return add_callback<AnyFuture>(std::move(callback));
  }

  /// Returns how many were removed. (Future.remove_done_callback)
  std::size_t remove_done_callback(unsigned id) const {
    return state_->remove_done_callback(id);
  }

  /// Throws std::logic_error once it is gone. (Future.get_loop)
  EventLoop& get_loop() const { return state_->loop(); }

  /// What it shares with all others that stand for the same future.
  const std::shared_ptr<FutureBase>& state() const { return state_; }

 protected:
  // A weak pointer: a future must not keep itself alive.
  template <class Handle, class Callback>
  unsigned add_callback(Callback callback) const {
    const std::weak_ptr<FutureBase> weak = state_;
    return state_->add_done_callback([weak, callback](EventLoop& loop) {
      loop.call_soon([future = Handle(weak.lock()), callback] {
        if constexpr (std::is_invocable_v<const Callback&>) {
          callback();
        } else {
          callback(future);
        }
      });
    });
  }

  std::shared_ptr<FutureBase> state_;
};

/// Stands for a result that is not there yet. Copies stand for the same.
/// `co_await` it for a copy of the result, or of the exception; what cannot be
/// copied moves out, once. It may outlive its loop. (asyncio.Future)
template <class T = void>
class Future : public AnyFuture {
 public:
  explicit Future(EventLoop& loop = get_running_loop())
      : AnyFuture(std::make_shared<FutureState<T>>(loop)) {}
  explicit Future(std::shared_ptr<FutureBase> state)
      : AnyFuture(std::move(state)) {}

  /// Throws InvalidStateError if it is done. (Future.set_result)
  void set_result(Value<T> value) const {
    shared()->set_result(std::move(value));
  }
  void set_result() const
    requires std::is_void_v<T>
  {
    shared()->set_result(None);
  }

  /// Throws InvalidStateError if it is done. (Future.set_exception)
  void set_exception(std::exception_ptr exception) const {
    state_->set_exception(std::move(exception));
  }
  template <class Exception>
  void set_exception(Exception exception) const {
    set_exception(std::make_exception_ptr(std::move(exception)));
  }

  /// Returns a copy of its result, or throws its exception: CancelledError if
  /// it was cancelled, InvalidStateError if it is not done. (Future.result)
  T result() const { return shared()->result(); }

  template <class Callback>
  unsigned add_done_callback(Callback callback) const {
    return add_callback<Future>(std::move(callback));
  }

  /// What it shares with its copies.
  std::shared_ptr<FutureState<T>> shared() const {
    return std::static_pointer_cast<FutureState<T>>(state_);
  }
};

inline std::string to_string(const AnyFuture& future) {
  return future.state()->to_string();
}

/// Returns the future itself. Throws std::invalid_argument if it is not of
/// that loop. (asyncio.ensure_future)
template <class T>
Future<T> ensure_future(Future<T> future, EventLoop& loop) {
  if (&future.get_loop() != &loop) {
    throw std::invalid_argument("the future belongs to a different event loop");
  }
  return future;
}

/// What a coroutine yields to its driver: the future that it waits for, or
/// nothing, to let the others run. (Task.__step)
struct Awaited {
  Awaited() = default;
  explicit Awaited(FutureBase& awaited) : future(&awaited) {}
  // Not left to the compiler: g++ 12 packs an optional of a pointer into
  // registers, byte by byte, which takes as long as a switch itself.
  Awaited(const Awaited& other) : future(other.future) {}
  Awaited& operator=(const Awaited&) = delete;

  FutureBase* future = nullptr;
};

/// `co_await future`, while somebody keeps it. (Future.__await__)
template <class T>
class FutureAwaiter {
 public:
  explicit FutureAwaiter(FutureState<T>& future)
      : future_(future), awaited_(future) {}
  FutureAwaiter(const FutureAwaiter&) = delete;
  FutureAwaiter& operator=(const FutureAwaiter&) = delete;

  bool await_ready() const { return future_.done(); }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle,
                     int line = __builtin_LINE()) {
    frame_ = &handle.promise();
    frame_->yield(awaited_, line);
  }

  T await_resume() {
    if (frame_) {
      frame_->receive();
    }
    return future_.result();
  }

 private:
  FutureState<T>& future_;
  Awaited awaited_;
  Frame<Awaited, void>* frame_ = nullptr;
};

/// The same, and keeps it.
template <class T>
class SharedFutureAwaiter : public FutureAwaiter<T> {
 public:
  explicit SharedFutureAwaiter(std::shared_ptr<FutureState<T>> future)
      : FutureAwaiter<T>(*future), future_(std::move(future)) {}

 private:
  std::shared_ptr<FutureState<T>> future_;
};

template <class T>
FutureAwaiter<T> operator co_await(FutureState<T>& future) {
  return FutureAwaiter<T>(future);
}

template <class T>
SharedFutureAwaiter<T> operator co_await(const Future<T>& future) {
  return SharedFutureAwaiter<T>(future.shared());
}

}  // namespace asyncio
