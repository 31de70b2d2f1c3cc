// Coroutines: generators that yield what they wait for. Only this file knows
// how one is driven; the loop sees callbacks.
// (CPython: Task in Lib/asyncio/tasks.py)
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "event_loop.hpp"
#include "generator.hpp"

namespace asyncio {

/// What a coroutine yields to its driver: it can go on when this happens.
struct Can {
  /// EVENT_READ or EVENT_WRITE, on this descriptor.
  int event;
  int fd;
  /// Without an event: this much time has passed.
  Seconds delay = Seconds(0);
};

inline const char* to_string(const Can& can) {
  if (can.event == 0) {
    return "sleep";
  }
  return can.event == EVENT_READ ? "readable" : "writable";
}

/// A generator that yields what it waits for; await it, or hand it to
/// create_task. It takes its parameters by value: when it runs, the variables
/// of whoever called it may be gone.
template <class T = void>
using Coroutine = Generator<Can, void, T>;

/// Pauses until `fd` can be read. Throws std::logic_error if another
/// coroutine waits for that.
inline Coroutine<> wait_readable(int fd) {
  co_yield Can{EVENT_READ, fd};
}

/// Pauses until `fd` can be written to. Throws as wait_readable.
inline Coroutine<> wait_writable(int fd) {
  co_yield Can{EVENT_WRITE, fd};
}

/// One pause: it lies in the frame of the coroutine that pauses.
class SleepAwaiter {
 public:
  explicit SleepAwaiter(Seconds delay) : can_{0, -1, delay} {}
  SleepAwaiter(const SleepAwaiter&) = delete;
  SleepAwaiter& operator=(const SleepAwaiter&) = delete;

  bool await_ready() const { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle,
                     int line = __builtin_LINE()) {
    frame_ = &handle.promise();
    frame_->yield(can_, line);
  }

  void await_resume() { frame_->receive(); }

 private:
  Can can_;
  Frame<Can, void>* frame_ = nullptr;
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
/// can go on. Until it has ended, either it waits for a Can, or its step is
/// scheduled. (asyncio.Task)
class Driver : public Work {
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
    const trace::Step span(this);
    if (const auto awaited = advance(std::move(exception))) {
      wait_for(*awaited);
    } else {
      finish();
      loop_.disown(*this);
    }
  }

  void abandon() override { stop_waiting(); }

 protected:
  /// Returns what the coroutine waits for next, nothing when it has ended.
  virtual std::optional<Can> advance(std::exception_ptr exception) = 0;

  /// The coroutine has returned or thrown.
  virtual void finish() = 0;

  /// Which coroutine, and where it is paused.
  virtual Where where() const = 0;

  /// For traces, which may be off.
  int line() const { return trace::on ? where().line : 0; }

  EventLoop& loop_;

 private:
  // What goes wrong here is the coroutine's: it is thrown in at its co_await.
  void wait_for(const Can& can) {
    try {
      watch(can);
    } catch (...) {
      loop_.call_soon([this, error = std::current_exception()] {
        step(error);
      });
    }
  }

  void watch(const Can& can) {
    if (can.event == 0) {
      schedule(can);
      return;
    }
    if (loop_.is_watched(can.fd, can.event)) {
      throw std::logic_error("descriptor " + std::to_string(can.fd) +
                             " is already waited for");
    }
    loop_.add_watcher(can.fd, can.event, [this] { wake(); });
    waits_for_ = can;
    trace::waits(this, to_string(can), can.fd, line());
  }

  // Nothing to wait for means just to let the others run.
  void schedule(const Can& can) {
    trace::waits(this, to_string(can), can.delay, line());
    if (can.delay <= Seconds(0)) {
      loop_.call_soon([this] { wake(); });
    } else {
      timer_ = loop_.call_later(can.delay, [this] { wake(); });
    }
  }

  void wake() {
    stop_waiting();
    step();
  }

  void stop_waiting() {
    if (waits_for_) {
      loop_.remove_watcher(waits_for_->fd, waits_for_->event);
    }
    waits_for_.reset();
    timer_.cancel();
  }

  std::optional<Can> waits_for_;
  TimerHandle timer_;
};

/// Drives a coroutine whose result nobody asks for.
template <class T>
class CoroutineDriver : public Driver {
 public:
  CoroutineDriver(Coroutine<T> coroutine, EventLoop& loop)
      : Driver(loop), coroutine_(std::move(coroutine)) {}

 protected:
  // An exception is not lost here: result() throws it again.
  std::optional<Can> advance(std::exception_ptr exception) override {
    try {
      if (exception) {
        return coroutine_.throw_(std::move(exception));
      }
      return coroutine_.next();
    } catch (...) {
    }
    return std::nullopt;
  }

  void finish() override {
    try {
      coroutine_.result();
      trace::done(this);
    } catch (...) {
      trace::done(this, "raised");
      loop_.report("Task exception was never retrieved",
                   std::current_exception());
    }
  }

  Where where() const override { return coroutine_.where(); }

  Coroutine<T> coroutine_;
};

/// Starts a coroutine: it begins in the loop's next round, and the loop keeps
/// it until it ends. Outside of a running loop say which. Throws
/// std::logic_error if there is none. (asyncio.create_task)
template <class T>
void create_task(
    Coroutine<T> coroutine,
    EventLoop& loop = get_running_loop()
) {
  const Where where = coroutine.where();
  const auto driver =
      std::make_shared<CoroutineDriver<T>>(std::move(coroutine), loop);
  trace::born(driver.get(), where.function, where.file, where.line);
  Driver::start(driver);
}

}  // namespace asyncio
