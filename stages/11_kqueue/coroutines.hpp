#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "event_loop.hpp"
#include "futures.hpp"
#include "generator.hpp"

namespace asyncio {

/// A generator that yields what it waits for; await it, or hand it to
/// create_task. It takes its parameters by value: when it runs, the variables
/// of whoever called it may be gone.
template <class T = void>
using Coroutine = Generator<Awaited, void, T>;

/// A future that is done once `event` has happened on a descriptor, which is
/// watched for as long as this lives.
class Watch : public FutureState<void> {
 public:
  /// Throws std::logic_error if somebody else waits for that.
  Watch(int fd, int event, EventLoop& loop = get_running_loop())
      : FutureState<void>(loop), fd_(fd), event_(event) {
    if (loop.is_watched(fd, event)) {
      throw std::logic_error("descriptor " + std::to_string(fd) +
                             " is already waited for");
    }
    if (event == EVENT_READ) {
      loop.add_reader(fd, [this] { ready(); });
    } else {
      loop.add_writer(fd, [this] { ready(); });
    }
    registration_ = loop.registration(fd, event);
  }
  ~Watch() override { stop(); }

  void trace_wait(const void* waiter, int line) const override {
    const char* const what = event_ == EVENT_READ ? "readable" : "writable";
    trace::waits(waiter, what, fd_, line);
  }

 private:
  void ready() {
    stop();
    if (!done()) {
      set_result(None);
    }
  }

  // The descriptor may be somebody else's by now.
  void stop() {
    EventLoop* const loop = loop_if_alive();
    if (!loop || loop->registration(fd_, event_) != registration_) {
      return;
    }
    if (event_ == EVENT_READ) {
      loop->remove_reader(fd_);
    } else {
      loop->remove_writer(fd_);
    }
  }

  int fd_;
  int event_;
  std::uint64_t registration_ = 0;
};

/// Pauses until `fd` can be read. Throws std::logic_error if another
/// coroutine waits for that.
inline Coroutine<> wait_readable(int fd) {
  Watch watch(fd, EVENT_READ);
  co_await watch;
}

/// Pauses until `fd` can be written to. Throws as wait_readable.
inline Coroutine<> wait_writable(int fd) {
  Watch watch(fd, EVENT_WRITE);
  co_await watch;
}

/// A future that is done once `delay` has passed.
class Timer : public FutureState<void> {
 public:
  explicit Timer(Seconds delay, EventLoop& loop = get_running_loop())
      : FutureState<void>(loop), delay_(delay) {
    handle_ = loop.call_later(delay, [this] {
      if (!done()) {
        set_result(None);
      }
    });
  }
  ~Timer() override { handle_.cancel(); }

  void trace_wait(const void* waiter, int line) const override {
    trace::waits(waiter, "sleep", delay_, line);
  }

 private:
  Seconds delay_;
  TimerHandle handle_;
};

/// What sleep() gives: to be awaited.
class [[nodiscard]] Sleep {
 public:
  explicit Sleep(Seconds delay) : delay_(delay) {}
  Sleep(Sleep&& other) noexcept : delay_(other.delay_) {}

  bool await_ready() const { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle,
                     int line = __builtin_LINE()) {
    frame_ = &handle.promise();
    const bool only_lets_others_run = delay_ <= Seconds(0);
    if (!only_lets_others_run) {
      timer_.emplace(delay_);
      awaited_.future = &*timer_;
    }
    frame_->yield(awaited_, line);
  }

  void await_resume() {
    frame_->receive();
    if (timer_) {
      timer_->result();
    }
  }

 private:
  Seconds delay_;
  Frame<Awaited, void>* frame_ = nullptr;
  std::optional<Timer> timer_;
  Awaited awaited_;
};

/// `co_await sleep(2s)`: pauses for that long; sleep(0s) only lets the others
/// run. (asyncio.sleep)
inline Sleep sleep(Seconds delay) { return Sleep(delay); }

/// Drives a coroutine: resumes it, and asks the loop to be called back when it
/// can go on. (asyncio.Task)
class Driver : public Work {
 public:
  explicit Driver(EventLoop& loop) : loop_(loop) {}

  /// Resumes the coroutine, or throws `exception` in where it is paused.
  /// (Task.__step)
  void step(std::exception_ptr exception = nullptr) {
    // Dies last: it may be this driver's last owner.
    std::shared_ptr<Work> ended;
    const trace::Step span(this);
    const Current current(*this);
    if (must_cancel_) {
      exception = std::make_exception_ptr(*std::exchange(must_cancel_, {}));
    }
    if (const auto awaited = advance(std::move(exception))) {
      wait_for(*awaited);
    } else {
      finish();
      ended = loop_.disown(*this);
    }
  }

  void abandon() override { stop_waiting(); }

  /// Throws CancelledError in at the co_await where it is paused, or else at
  /// the next one. (Task.cancel)
  void throw_cancelled(const std::string& message) {
    ++cancels_requested_;
    if (!waits_for_ || !waits_for_->cancel(message)) {
      must_cancel_ = std::make_unique<CancelledError>(message);
    }
  }

  /// How many have asked for its cancellation and not taken that back.
  /// (Task.cancelling)
  int cancelling() const { return cancels_requested_; }

  /// Takes one of them back. Returns how many are left. (Task.uncancel)
  int uncancel() {
    if (cancels_requested_ > 0) {
      --cancels_requested_;
    }
    return cancels_requested_;
  }

  /// (Task.get_name)
  std::string get_name() const {
    return name_ ? *name_ : "Task-" + std::to_string(number_);
  }

  /// (Task.set_name)
  void set_name(std::string name) {
    name_ = std::make_unique<std::string>(std::move(name));
  }

  /// The older, the smaller.
  unsigned number() const { return number_; }

  /// The one whose step is under way in this thread, or nullptr.
  static Driver* current() { return current_; }

 protected:
  /// Returns what the coroutine waits for next, nothing when it has ended.
  virtual std::optional<Awaited> advance(std::exception_ptr exception) = 0;

  /// The coroutine has returned or thrown.
  virtual void finish() = 0;

  /// Which coroutine, and where it is paused.
  virtual Where where() const = 0;

  EventLoop& loop_;
  FutureBase* waits_for_ = nullptr;
  /// What the next step is to throw in.
  std::unique_ptr<CancelledError> must_cancel_;

 private:
  /// Marks the driver whose step is under way.
  class Current {
   public:
    explicit Current(Driver& driver) { current_ = &driver; }
    ~Current() { current_ = nullptr; }
    Current(const Current&) = delete;
    Current& operator=(const Current&) = delete;
  };

  // What goes wrong here is the coroutine's: it is thrown in at its co_await.
  void wait_for(const Awaited& awaited) {
    try {
      watch(awaited);
    } catch (...) {
      loop_.call_soon([this, error = std::current_exception()] {
        step(error);
      });
    }
  }

  void watch(const Awaited& awaited) {
    // Nothing to wait for means just to let the others run.
    if (!awaited.future) {
      trace::waits(this, "the others", nullptr, where().line);
      loop_.call_soon([this] { wake(); });
      return;
    }
    if (&awaited.future->loop() != &loop_) {
      throw std::logic_error("future belongs to a different event loop");
    }
    if (dynamic_cast<void*>(awaited.future) == dynamic_cast<void*>(this)) {
      throw std::logic_error("task cannot await on itself");
    }
    callback_ = awaited.future->add_done_callback([this](EventLoop& loop) {
      loop.call_soon([this] { wake(); });
    });
    waits_for_ = awaited.future;
    waits_for_->trace_wait(this, where().line);
    // It was cancelled while it ran.
    if (must_cancel_ && waits_for_->cancel(must_cancel_->message)) {
      must_cancel_ = nullptr;
    }
  }

  void wake() {
    FutureBase* const awaited = std::exchange(waits_for_, nullptr);
    // The CancelledError that comes from there is enough.
    if (awaited && awaited->cancelled()) {
      must_cancel_ = nullptr;
    }
    step();
  }

  void stop_waiting() {
    if (waits_for_) {
      std::exchange(waits_for_, nullptr)->remove_done_callback(callback_);
    }
  }

  static inline thread_local Driver* current_ = nullptr;
  static inline thread_local unsigned last_number_ = 0;

  /// Most have none: they pay for a pointer.
  std::unique_ptr<std::string> name_;
  unsigned number_ = ++last_number_;
  unsigned callback_ = 0;
  int cancels_requested_ = 0;
};

/// Drives a coroutine that returns a T.
template <class T>
class CoroutineDriver : public Driver {
 public:
  CoroutineDriver(Coroutine<T> coroutine, EventLoop& loop)
      : Driver(loop), coroutine_(std::move(coroutine)) {}

 protected:
  // An exception is not lost here: result() throws it again.
  std::optional<Awaited> advance(std::exception_ptr exception) override {
    try {
      if (exception) {
        return coroutine_.throw_(std::move(exception));
      }
      return coroutine_.next();
    } catch (...) {
    }
    return std::nullopt;
  }

  Where where() const override { return coroutine_.where(); }

  Coroutine<T> coroutine_;
};

}  // namespace asyncio
