// Futures: one thing to wait for. A future is done once and stays so, and calls
// nobody: it asks its loop to. (CPython: Lib/asyncio/futures.py)
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <forward_list>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/copyable.hpp"
#include "common/describe.hpp"
#include "event_loop.hpp"
#include "exceptions.hpp"
#include "generator.hpp"

namespace asyncio {

class FutureBase;
class Waiter;

// ---- Who waits ----

/// One wait for a future. It lies in the frame of the coroutine that waits;
/// the future and the waiter know of it, so that each of the three hears when
/// another one is destroyed.
struct Waiting {
  Waiting() = default;
  explicit Waiting(FutureBase& awaited) : future(&awaited) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting();

  /// nullptr once it is destroyed.
  FutureBase* future = nullptr;
  /// nullptr before and after the wait.
  Waiter* waiter = nullptr;
  /// All that wait for the same future form a ring.
  Waiting* next = nullptr;
  Waiting* previous = nullptr;
  std::uint64_t id = 0;
};

/// Somebody unfinished who waits for one future at a time.
class Waiter : public Work {
 public:
  /// Goes on in the loop's next round.
  virtual void wake_soon() = 0;

  /// The future that is done once this is.
  virtual FutureBase& future() = 0;

  /// Throws std::logic_error if the future is of another loop than `loop`.
  void begin_waiting(Waiting& waiting, EventLoop& loop);
  void stop_waiting();

 protected:
  /// nullptr if there is none, or none any more.
  FutureBase* waits_for() const {
    return waiting_ ? waiting_->future : nullptr;
  }

 private:
  Waiting* waiting_ = nullptr;
};

// ---- What is waited for ----

/// The part of a future that does not depend on what its result is: how it
/// stands, and who is to be told. All who hold a future share one of these.
class FutureBase {
 public:
  explicit FutureBase(EventLoop& loop) : loop_(loop.lifeline()) {}
  FutureBase(const FutureBase&) = delete;
  FutureBase& operator=(const FutureBase&) = delete;

  /// Not so of a task whose maker sees to its end. (Task._log_destroy_pending)
  bool log_destroy_pending = true;

  /// Those who wait for it are woken: there is nothing left to wait for.
  virtual ~FutureBase() {
    while (oldest_waiting_) {
      lose(*oldest_waiting_);
    }
  }

  bool done() const { return state_ != State::pending; }

  /// Whether no other future can die with it.
  bool keeps_no_other() const { return keeps_no_other_; }

  bool cancelled() const { return state_ == State::cancelled; }

  virtual bool cancel(std::string message) {
    retrieved_ = true;
    if (done()) {
      return false;
    }
    end_cancelled(std::make_exception_ptr(CancelledError(std::move(message))));
    return true;
  }

  virtual void set_exception(std::exception_ptr exception) {
    check_pending();
    if (!exception) {
      throw std::invalid_argument("there is no exception to set");
    }
    exception_ = std::move(exception);
    // Not to be reported if it is not even taken. (Future.set_exception)
    retrieved_ = true;
    end(State::failed);
    retrieved_ = false;
  }

  /// Throws what result() of any future has to throw.
  void result() {
    check_done("Result is not set.");
    if (exception_) {
      retrieved_ = true;
      std::rethrow_exception(exception_);
    }
  }

  std::exception_ptr exception() {
    check_done("Exception is not set.");
    if (cancelled()) {
      std::rethrow_exception(exception_);
    }
    retrieved_ = true;
    return exception_;
  }

  /// What it failed with, CancelledError included, or nullptr. It counts as
  /// retrieved.
  std::exception_ptr failure() {
    retrieved_ = true;
    return exception_;
  }

  /// They are not called. One of them may hold this very future.
  void drop_done_callbacks() {
    const auto dropped = std::exchange(callbacks_, {});
  }

  /// Lets `schedule` tell the loop whom to call, once this is done. Returns
  /// what remove_done_callback needs.
  std::uint64_t add_done_callback(std::function<void(EventLoop&)> schedule) {
    const std::uint64_t id = ++last_id_;
    if (done()) {
      schedule(loop());
    } else {
      callbacks_.push_front(DoneCallback{std::move(schedule), id});
    }
    return id;
  }

  std::size_t remove_done_callback(std::uint64_t id) {
    return callbacks_.remove_if([id](const DoneCallback& callback) {
      return callback.id == id;
    });
  }

  /// Wakes the waiter once this is done or destroyed. It stays known until it
  /// is removed.
  void add_waiting(Waiting& waiting) {
    waiting.id = ++last_id_;
    if (!oldest_waiting_) {
      oldest_waiting_ = waiting.next = waiting.previous = &waiting;
      return;
    }
    waiting.next = oldest_waiting_;
    waiting.previous = oldest_waiting_->previous;
    waiting.next->previous = waiting.previous->next = &waiting;
  }

  void remove_waiting(Waiting& waiting) {
    waiting.previous->next = waiting.next;
    waiting.next->previous = waiting.previous;
    if (oldest_waiting_ == &waiting) {
      oldest_waiting_ = waiting.next == &waiting ? nullptr : waiting.next;
    }
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

  void end_cancelled(std::exception_ptr error) {
    exception_ = std::move(error);
    end(State::cancelled);
  }

  /// Calls nobody from here: whoever sets a result is not to be surprised by
  /// what others do with it. (Future.__schedule_callbacks)
  void end(State state) {
    state_ = state;
    std::exception_ptr error;
    Waiting* waiting = oldest_waiting_;
    if (callbacks_.empty()) {
      wake_those_before(last_id_ + 1, waiting, error);
    } else {
      schedule_callbacks(waiting, error);
    }
    if (error) {
      std::rethrow_exception(error);
    }
  }

  /// For destructors: nobody can ask for the exception any more.
  /// (Future.__del__)
  void report_unretrieved(const char* message) {
    if (state_ != State::failed || std::exchange(retrieved_, true)) {
      return;
    }
    if (*loop_) {
      (*loop_)->report(message, exception_);
    } else {
      EventLoop::default_exception_handler(message, exception_);
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
    std::uint64_t id;
  };

  /// And wakes those who came between them.
  void schedule_callbacks(Waiting* waiting, std::exception_ptr& error) {
    // Dies last: what a callback owns may be this future.
    auto callbacks = std::exchange(callbacks_, {});
    callbacks.reverse();
    for (const DoneCallback& callback : callbacks) {
      waiting = wake_those_before(callback.id, waiting, error);
      try {
        callback.schedule(loop());
      } catch (...) {
        error = std::current_exception();
      }
    }
    wake_those_before(last_id_ + 1, waiting, error);
  }

  /// Returns the first that came later, or nullptr.
  Waiting* wake_those_before(
      std::uint64_t id,
      Waiting* waiting,
      std::exception_ptr& error
  ) {
    while (waiting && waiting->id < id) {
      try {
        waiting->waiter->wake_soon();
      } catch (...) {
        error = std::current_exception();
      }
      waiting = waiting->next == oldest_waiting_ ? nullptr : waiting->next;
    }
    return waiting;
  }

  // If this is done, the waiter is about to be woken already.
  void lose(Waiting& waiting) {
    remove_waiting(waiting);
    waiting.future = nullptr;
    if (!done()) {
      Waiter& waiter = *waiting.waiter;
      waiter.stop_waiting();
      waiter.wake_soon();
    }
  }

  /// Of the newest wait or callback: none comes back.
  std::uint64_t last_id_ = 0;

  std::shared_ptr<EventLoop*> loop_;
  /// The newest first.
  std::forward_list<DoneCallback> callbacks_;
  Waiting* oldest_waiting_ = nullptr;
  std::exception_ptr exception_;
  State state_ = State::pending;
  bool retrieved_ = false;

 protected:
  /// Set while to_string() describes it. (reprlib.recursive_repr)
  mutable bool in_description_ = false;
  bool keeps_no_other_ = false;
};

// The waiting one is destroyed, or has what it waited for.
inline Waiting::~Waiting() {
  if (!waiter) {
    return;
  }
  Waiter& woken = *waiter;
  const bool pending = future && !future->done();
  woken.stop_waiting();
  if (pending) {
    woken.wake_soon();
  }
}

inline void Waiter::begin_waiting(Waiting& waiting, EventLoop& loop) {
  if (&waiting.future->loop() != &loop) {
    throw std::logic_error("future belongs to a different event loop");
  }
  if (waiting.future == &future()) {
    throw std::logic_error("task cannot await on itself");
  }
  if (waiting.future->done()) {
    wake_soon();
    return;
  }
  waiting.future->add_waiting(waiting);
  waiting.waiter = this;
  waiting_ = &waiting;
}

inline void Waiter::stop_waiting() {
  if (Waiting* const waiting = std::exchange(waiting_, nullptr)) {
    waiting->waiter = nullptr;
    if (waiting->future) {
      waiting->future->remove_waiting(*waiting);
    }
  }
}

/// The same with a result.
template <class T>
class FutureState : public FutureBase {
 public:
  using FutureBase::FutureBase;
  ~FutureState() override {
    this->report_unretrieved("Future exception was never retrieved");
  }

  virtual void set_result(Value<T> value) {
    check_pending();
    value_.emplace(std::move(value));
    keeps_no_other_ = std::is_trivially_destructible_v<Value<T>>;
    end(State::finished);
  }

  T result() {
    FutureBase::result();
    if constexpr (is_copyable<Value<T>>) {
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
    if (!value_) {
      return "";
    }
    return " result=" + (std::is_void_v<T> ? "None" : describe_value(*value_));
  }

 private:
  std::optional<Value<T>> value_;
};

// ---- What is handed around ----

/// A future of whatever: what can be said of it without its result.
class AnyFuture {
 public:
  AnyFuture() = default;
  explicit AnyFuture(std::shared_ptr<FutureBase> state)
      : state_(std::move(state)) {}
  AnyFuture(const AnyFuture&) = default;
  AnyFuture(AnyFuture&&) noexcept = default;
  AnyFuture& operator=(AnyFuture other) noexcept {
    state_.swap(other.state_);
    return *this;
  }
  ~AnyFuture() {
    if (state_.use_count() == 1 && !state_->keeps_no_other()) {
      release(std::move(state_));
    }
  }

  /// Whether there is one at all.
  explicit operator bool() const { return state_ != nullptr; }

  /// Whether both are the same future.
  friend bool operator==(const AnyFuture&, const AnyFuture&) = default;

  /// Whether it has a result, has an exception or was cancelled. (Future.done)
  bool done() const { return base().done(); }

  /// (Future.cancelled)
  bool cancelled() const { return base().cancelled(); }

  /// Lets whoever awaits it have a CancelledError. Returns false if it was
  /// done. (Future.cancel)
  bool cancel(std::string message = "") const {
    return base().cancel(std::move(message));
  }

  /// Returns nullptr if it has a result. Throws InvalidStateError before it is
  /// done, CancelledError if it was cancelled. (Future.exception)
  std::exception_ptr exception() const { return base().exception(); }

  /// Throws its exception if it has one. (Future.result)
  void result() const { base().result(); }

  /// Lets the loop call `callback`, with this future or with nothing, once this
  /// is done. Returns what remove_done_callback needs.
  /// (Future.add_done_callback)
  template <class Callback>
  std::uint64_t add_done_callback(Callback callback) const {
    return add_callback<AnyFuture>(std::move(callback));
  }

  /// Returns how many were removed. (Future.remove_done_callback)
  std::size_t remove_done_callback(std::uint64_t id) const {
    return base().remove_done_callback(id);
  }

  /// Throws std::logic_error once it is gone. (Future.get_loop)
  EventLoop& get_loop() const { return base().loop(); }

  /// What it shares with all others that stand for the same future.
  const std::shared_ptr<FutureBase>& state() const { return state_; }

  /// Throws std::logic_error if there is none.
  FutureBase& base() const {
    if (!state_) {
      throw std::logic_error("there is no future: empty or moved from");
    }
    return *state_;
  }

 protected:
  // One future may keep another, a million in a row: those that are too deep
  // for the stack wait in a list until the outermost is gone.
  static void release(std::shared_ptr<FutureBase> last) noexcept {
    using List = std::vector<std::shared_ptr<FutureBase>>;
    static thread_local int depth = 0;
    static thread_local List* doomed = nullptr;
    if (depth >= 100) {
      try {
        doomed->push_back(std::move(last));
        return;
      } catch (...) {
        // No memory: deeper, then.
      }
    }
    List list;
    if (++depth == 1) {
      doomed = &list;
    }
    last.reset();
    while (!list.empty()) {
      const auto next = std::move(list.back());
      list.pop_back();
    }
    --depth;
  }

  // Made now, so that nothing can fail once the future is done: to copy what
  // may throw, or to find memory.
  template <class Self, class Callback>
  std::uint64_t add_callback(Callback callback) const {
    const auto self = std::make_shared<std::optional<Self>>();
    std::function<void()> call = [self, callback = std::move(callback)] {
      if constexpr (std::is_invocable_v<const Callback&>) {
        callback();
      } else {
        callback(**self);
      }
    };
    // A weak pointer: a future must not keep itself alive.
    const std::weak_ptr<FutureBase> weak = state_;
    return base().add_done_callback(
        [self, call = std::move(call), weak](EventLoop& loop) mutable {
          self->emplace(weak.lock());
          loop.call_soon(std::move(call));
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
    base().set_exception(std::move(exception));
  }
  template <class Exception>
  void set_exception(Exception exception) const {
    set_exception(std::make_exception_ptr(std::move(exception)));
  }
  void set_exception(std::nullptr_t) const {
    set_exception(std::exception_ptr());
  }

  /// Returns a copy of its result, or throws its exception: CancelledError if
  /// it was cancelled, InvalidStateError if it is not done. (Future.result)
  T result() const { return shared()->result(); }

  template <class Callback>
  std::uint64_t add_done_callback(Callback callback) const {
    return add_callback<Future>(std::move(callback));
  }

  /// What it shares with its copies.
  std::shared_ptr<FutureState<T>> shared() const {
    base();
    return std::static_pointer_cast<FutureState<T>>(state_);
  }
};

inline std::string to_string(const AnyFuture& future) {
  return future.base().to_string();
}

/// Throws std::invalid_argument if the future is not of that loop.
inline void check_loop(const AnyFuture& future, const EventLoop& loop) {
  if (&future.get_loop() != &loop) {
    throw std::invalid_argument("the future belongs to a different event loop");
  }
}

/// Returns the future itself. Throws std::invalid_argument if it is not of
/// that loop. (asyncio.ensure_future)
template <class T>
Future<T> ensure_future(Future<T> future, EventLoop& loop) {
  check_loop(future, loop);
  return future;
}

// ---- co_await ----

/// What a coroutine yields to its driver: its wait for a future, or nothing, to
/// let the others run. (Task.__step)
struct Awaited {
  Awaited() = default;
  explicit Awaited(Waiting& begun) : waiting(&begun) {}
  // Not left to the compiler: g++ 12 packs an optional of a pointer into
  // registers, byte by byte, which takes as long as a switch itself.
  Awaited(const Awaited& other) : waiting(other.waiting) {}
  Awaited& operator=(const Awaited&) = delete;

  Waiting* waiting = nullptr;
};

/// `co_await future`, while somebody keeps it. (Future.__await__)
template <class State>
class FutureAwaiter {
 public:
  explicit FutureAwaiter(State& future)
      : future_(future), waiting_(future), awaited_(waiting_) {}
  FutureAwaiter(const FutureAwaiter&) = delete;
  FutureAwaiter& operator=(const FutureAwaiter&) = delete;

  bool await_ready() const { return future_.done(); }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle,
                     int line = __builtin_LINE()) {
    frame_ = &handle.promise();
    frame_->yield(awaited_, line);
  }

  auto await_resume() {
    if (frame_) {
      frame_->receive();
    }
    if (!waiting_.future) {
      throw std::logic_error("awaited future was destroyed");
    }
    return future_.result();
  }

 private:
  State& future_;
  Waiting waiting_;
  Awaited awaited_;
  Frame<Awaited, void>* frame_ = nullptr;
};

/// The same, and keeps it.
template <class State>
class SharedFutureAwaiter : public FutureAwaiter<State> {
 public:
  explicit SharedFutureAwaiter(std::shared_ptr<State> future)
      : FutureAwaiter<State>(*future), future_(std::move(future)) {}

 private:
  std::shared_ptr<State> future_;
};

template <class T>
FutureAwaiter<FutureState<T>> operator co_await(FutureState<T>& future) {
  return FutureAwaiter<FutureState<T>>(future);
}

template <class T>
SharedFutureAwaiter<FutureState<T>> operator co_await(
    const Future<T>& future
) {
  return SharedFutureAwaiter<FutureState<T>>(future.shared());
}

/// Gives nothing, or the exception.
inline SharedFutureAwaiter<FutureBase> operator co_await(
    const AnyFuture& future
) {
  future.base();
  return SharedFutureAwaiter<FutureBase>(future.state());
}

}  // namespace asyncio
