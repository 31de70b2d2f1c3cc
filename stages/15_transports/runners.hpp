// A loop for one coroutine: at the end, however that comes, no task is left and
// the loop is closed. (CPython: Lib/asyncio/runners.py)
#pragma once

#include <csignal>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "async_generator.hpp"
#include "tasks.hpp"
#include "threads.hpp"

namespace asyncio {

/// Runs coroutines, one after the other, in a loop of its own.
/// (asyncio.Runner)
class Runner {
 public:
  using LoopFactory = std::function<std::unique_ptr<EventLoop>()>;

  /// Runs them in the loop that `loop_factory` creates, if there is one, when
  /// the loop is first needed.
  explicit Runner(LoopFactory loop_factory = std::make_unique<EventLoop>)
      : loop_factory_(std::move(loop_factory)) {}
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() {
    try {
      close();
    } catch (...) {
      report(std::current_exception());
    }
  }

  /// Throws std::logic_error once the runner is closed, std::invalid_argument
  /// if the factory has made no loop. (Runner.get_loop)
  EventLoop& get_loop() {
    if (loop_ && loop_->is_closed()) {
      throw std::logic_error("the runner is closed");
    }
    if (!loop_) {
      loop_ = loop_factory_();
    }
    if (!loop_) {
      throw std::invalid_argument("the loop factory has made no loop");
    }
    return *loop_;
  }

  /// Runs until `main` ends. Returns its result or throws its exception. Ctrl-C
  /// cancels it: KeyboardInterrupt, unless it refuses. Throws std::logic_error
  /// in a running loop. (Runner.run)
  template <class T>
  T run(Coroutine<T> main) {
    if (EventLoop::running()) {
      throw std::logic_error("run() called from a running event loop");
    }
    EventLoop& loop = get_loop();
    Interrupts interrupts(loop);
    const Task<T> task = create_task(std::move(main), loop);
    interrupts.cancel(task);
    try {
      return loop.run_until_complete(task);
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
    if (!loop_ || loop_->is_closed()) {
      return;
    }
    try {
      cancel_all_tasks();
      loop_->run_until_complete(shutdown_asyncgens(*loop_));
      loop_->run_until_complete(shutdown_default_executor(*loop_));
    } catch (...) {
      loop_->close();
      throw;
    }
    loop_->close();
  }

 private:
  /// Turns Ctrl-C into the cancellation of a task. (Runner._on_sigint)
  class Interrupts {
   public:
    explicit Interrupts(EventLoop& loop) : loop_(loop) {
      try {
        for (const int number : {SIGINT, SIGTERM}) {
          if (!loop_.has_signal_handler(number)) {
            listen(number);
          }
        }
      } catch (...) {
        stop_listening();
        throw;
      }
    }
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
    ~Interrupts() { stop_listening(); }

    /// Cancels `task` from now on.
    void cancel(AnyTask task) { task_ = std::move(task); }

    int count() const { return count_; }

   private:
    // A second one that comes before the loop has heard of the first ends the
    // process: it may hang.
    void listen(int number) {
      const auto interrupt = [this, number] {
        listen(number);
        ++count_;
        task_.cancel();
      };
      try {
        numbers_.insert(number);
        loop_.add_signal_handler(number, interrupt, SA_RESETHAND);
      } catch (const std::runtime_error&) {
        // Another thread's runner has it.
      }
    }

    void stop_listening() {
      for (const int number : numbers_) {
        loop_.remove_signal_handler(number);
      }
    }

    EventLoop& loop_;
    AnyTask task_;
    std::set<int> numbers_;
    int count_ = 0;
  };

  // (runners._cancel_all_tasks)
  void cancel_all_tasks() {
    const std::vector<AnyTask> tasks = all_tasks(*loop_);
    if (tasks.empty()) {
      return;
    }
    const Future<> all_done(*loop_);
    const auto left = std::make_shared<std::size_t>(tasks.size());
    for (const AnyTask& task : tasks) {
      task.cancel();
      task.add_done_callback([all_done, left] {
        if (--*left == 0) {
          all_done.set_result();
        }
      });
    }
    loop_->run_until_complete(all_done);
    for (const AnyTask& task : tasks) {
      if (!task.cancelled() && task.exception()) {
        report(task.exception());
      }
    }
  }

  void report(const std::exception_ptr& exception) {
    loop_->report("unhandled exception during asyncio.run() shutdown",
                  exception);
  }

  LoopFactory loop_factory_;
  std::unique_ptr<EventLoop> loop_;
};

/// Runs `main` in a new loop until it ends, with everything that it has
/// started. Returns its result or throws its exception. (asyncio.run)
template <class T>
T run(Coroutine<T> main) {
  Runner runner;
  return runner.run(std::move(main));
}
template <class Main>
  requires std::is_invocable_v<Main&>
void run(Main) {
  static_assert(!std::is_invocable_v<Main&>,
                "run() takes a coroutine: call it, run(main())");
}

}  // namespace asyncio
