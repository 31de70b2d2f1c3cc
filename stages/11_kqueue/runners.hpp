#pragma once

#include <exception>
#include <stdexcept>
#include <utility>
#include <vector>

#include "common/signals.hpp"
#include "tasks.hpp"

namespace asyncio {

/// Runs coroutines, one after the other, in a loop of its own.
/// (asyncio.Runner)
class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    try {
      close();
    } catch (...) {
      report(std::current_exception());
    }
  }

  EventLoop& get_loop() { return loop_; }

  /// Runs until `main` ends. Returns its result or throws its exception. Ctrl-C
  /// cancels it: KeyboardInterrupt, unless it refuses. Throws std::logic_error
  /// in a running loop. (Runner.run)
  template <class T>
  T run(Coroutine<T> main) {
    if (EventLoop::running()) {
      throw std::logic_error("run() called from a running event loop");
    }
    if (loop_.is_closed()) {
      throw std::logic_error("the runner is closed");
    }
    const Task<T> task = create_task(std::move(main), loop_);
    const Interrupts interrupts(loop_, task);
    try {
      return loop_.run_until_complete(task);
    } catch (const CancelledError&) {
      // Somebody else may have wanted it, too.
      const bool ours = interrupts.count() > 0 &&
                        task.cancelling() <= interrupts.count();
      if (!ours) {
        throw;
      }
    }
    throw KeyboardInterrupt();
  }

  /// Cancels the tasks that are left, waits for them, and closes the loop.
  /// (Runner.close)
  void close() {
    if (!loop_.is_closed()) {
      cancel_all_tasks();
      loop_.close();
    }
  }

 private:
  /// Turns Ctrl-C into the cancellation of a task. (Runner._on_sigint)
  class Interrupts {
   public:
    Interrupts(EventLoop& loop, AnyTask task)
        : loop_(loop), task_(std::move(task)) {
      loop_.add_reader(pipe_.fileno(), [this] {
        pipe_.drain();
        ++count_;
        task_.cancel();
      });
    }
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
    ~Interrupts() { loop_.forget(pipe_.fileno()); }

    int count() const { return count_; }

   private:
    EventLoop& loop_;
    AnyTask task_;
    SignalPipe pipe_;
    int count_ = 0;
  };

  // (runners._cancel_all_tasks)
  void cancel_all_tasks() {
    const std::vector<AnyTask> tasks = all_tasks(loop_);
    if (tasks.empty()) {
      return;
    }
    for (const AnyTask& task : tasks) {
      task.cancel();
    }
    loop_.run_until_complete(all_done(tasks));
    for (const AnyTask& task : tasks) {
      if (!task.cancelled() && task.exception()) {
        report(task.exception());
      }
    }
  }

  void report(const std::exception_ptr& exception) {
    loop_.call_exception_handler(
        "unhandled exception during asyncio.run() shutdown", exception);
  }

  static Coroutine<> all_done(std::vector<AnyTask> tasks) {
    for (const AnyTask& task : tasks) {
      const Future<> done;
      task.add_done_callback([done] { done.set_result(); });
      co_await done;
    }
  }

  EventLoop loop_;
};

/// Runs `main` in a new loop until it ends, with everything that it has
/// started. Returns its result or throws its exception. (asyncio.run)
template <class T>
T run(Coroutine<T> main) {
  Runner runner;
  return runner.run(std::move(main));
}

}  // namespace asyncio
