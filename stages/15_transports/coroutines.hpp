// Coroutines: generators that yield what they wait for. Only this file knows
// how one is driven; the loop sees callbacks.
// (CPython: Task in Lib/asyncio/tasks.py)
#pragma once

#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
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
    loop.add_watcher(fd, event, [this] { ready(); });
    registration_ = loop.registration(fd, event);
    times_forgotten_ = loop.times_forgotten(fd);
  }
  ~Watch() override {
    try {
      stop();
    } catch (...) {
      loop().report("Exception ignored in ~Watch", std::current_exception());
    }
  }

  // Others may wait for that from now on.
  bool cancel(std::string message) override {
    const bool was_pending = FutureState<void>::cancel(std::move(message));
    stop();
    return was_pending;
  }

  /// Throws std::system_error if the descriptor was closed since: its number
  /// may be another one's by now.
  void check_open() const {
    EventLoop* const loop = loop_if_alive();
    if (loop && loop->times_forgotten(fd_) != times_forgotten_) {
      throw std::system_error(EBADF, std::generic_category(),
                              "descriptor " + std::to_string(fd_));
    }
  }

  void trace_wait(const void* waiter, int line) const override {
    const char* const what = event_ == EVENT_READ ? "readable" : "writable";
    trace::waits(waiter, what, fd_, line);
  }

 private:
  void ready() {
    if (!done()) {
      set_result(None);
    }
    stop();
  }

  // The descriptor may be somebody else's by now.
  void stop() {
    EventLoop* const loop = loop_if_alive();
    if (loop && loop->registration(fd_, event_) == registration_) {
      loop->remove_watcher(fd_, event_);
    }
  }

  int fd_;
  int event_;
  unsigned times_forgotten_ = 0;
  std::uint64_t registration_ = 0;
};

/// Pauses until `fd` can be read. Throws std::logic_error if another
/// coroutine waits for that, std::system_error if it was closed meanwhile.
inline Coroutine<> wait_readable(int fd) {
  Watch watch(fd, EVENT_READ);
  co_await watch;
  watch.check_open();
}

/// Pauses until `fd` can be written to. Throws as wait_readable.
inline Coroutine<> wait_writable(int fd) {
  Watch watch(fd, EVENT_WRITE);
  co_await watch;
  watch.check_open();
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

/// One pause: it lies in the frame of the coroutine that pauses.
class SleepAwaiter {
 public:
  explicit SleepAwaiter(Seconds delay) : delay_(delay) {}
  SleepAwaiter(const SleepAwaiter&) = delete;
  SleepAwaiter& operator=(const SleepAwaiter&) = delete;

  bool await_ready() const { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle,
                     int line = __builtin_LINE()) {
    frame_ = &handle.promise();
    const bool only_lets_others_run = delay_ <= Seconds(0);
    if (!only_lets_others_run) {
      timer_.emplace(delay_);
      awaited_.waiting = &timer_->waiting;
    }
    frame_->yield(awaited_, line);
  }

  void await_resume() {
    frame_->receive();
    if (timer_) {
      timer_->future.result();
    }
  }

 private:
  struct Wait {
    explicit Wait(Seconds delay) : future(delay), waiting(future) {}
    Timer future;
    Waiting waiting;
  };

  Seconds delay_;
  Frame<Awaited, void>* frame_ = nullptr;
  std::optional<Wait> timer_;
  Awaited awaited_;
};

/// What sleep() gives: to be awaited, by as many as like.
class [[nodiscard]] Sleep {
 public:
  explicit Sleep(Seconds delay) : delay_(delay) {}

  SleepAwaiter operator co_await() const { return SleepAwaiter(delay_); }

 private:
  Seconds delay_;
};

/// `co_await sleep(2s)`: pauses for that long; sleep(0s) only lets the others
/// run. (asyncio.sleep)
inline Sleep sleep(Seconds delay) { return Sleep(delay); }

/// Not a number, which POSIX's own sleep() would take: say sleep(2s).
template <class Number>
  requires std::is_arithmetic_v<Number>
Sleep sleep(Number) = delete;

/// The same, and gives `result`.
template <class T>
Coroutine<T> sleep(Seconds delay, T result) {
  co_await sleep(delay);
  co_return result;
}

/// Drives a coroutine: resumes it, and asks the loop to be called back when it
/// can go on. Until it has ended, either it waits for a future, or its step is
/// scheduled. (asyncio.Task)
class Driver : public Waiter {
 public:
  explicit Driver(EventLoop& loop) : loop_(loop) {}

  /// Begins in the loop's next round. Throws std::logic_error if that is
  /// closed.
  static void start(std::shared_ptr<Driver> driver) {
    Driver& task = *driver;
    task.loop_.own(std::move(driver));
    try {
      task.loop_.call_soon([&task] { task.step(); });
    } catch (...) {
      task.loop_.disown(task);
      throw;
    }
  }

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
      ended = loop_.disown(*this);
      finish();
    }
  }

  // Destructors wake, too: a loop that closes is asked for nothing more.
  void wake_soon() override {
    if (!loop_.is_closed()) {
      loop_.call_soon([this] { wake(); });
    }
  }

  void abandon() override { stop_waiting(); }

  /// Throws CancelledError in at the co_await where it is paused, or else at
  /// the next one. (Task.cancel)
  void throw_cancelled(const std::string& message) {
    ++cancels_requested_;
    const Recursion deeper;
    if (!waits_for() || !waits_for()->cancel(message)) {
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

  /// For traces, which may be off.
  int line() const { return trace::on ? where().line : 0; }

  EventLoop& loop_;
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
      stop_waiting();
      loop_.call_soon([this, error = std::current_exception()] {
        step(error);
      });
    }
  }

  void watch(const Awaited& awaited) {
    // Nothing to wait for means just to let the others run.
    if (!awaited.waiting) {
      trace::waits(this, "the others", nullptr, line());
      wake_soon();
      return;
    }
    begin_waiting(*awaited.waiting, loop_);
    // Not if it was done already.
    if (waits_for()) {
      waits_for()->trace_wait(this, line());
      // It was cancelled while it ran.
      if (must_cancel_ && waits_for()->cancel(must_cancel_->message)) {
        must_cancel_ = nullptr;
      }
    }
  }

  void wake() {
    // The CancelledError that comes from there is enough, and any other
    // exception counts as retrieved. (Task.__wakeup)
    if (must_cancel_ && waits_for() &&
        is_instance<CancelledError>(waits_for()->failure())) {
      must_cancel_ = nullptr;
    }
    stop_waiting();
    step();
  }

  static inline thread_local Driver* current_ = nullptr;
  static inline thread_local unsigned last_number_ = 0;

  /// Most have none: they pay for a pointer.
  std::unique_ptr<std::string> name_;
  unsigned number_ = ++last_number_;
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
