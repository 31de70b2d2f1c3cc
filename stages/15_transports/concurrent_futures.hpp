// Futures that a thread waits for, and threads that make calls. Nothing here
// knows of an event loop.
// (CPython: Lib/concurrent/futures; PEP 3148)
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "common/copyable.hpp"
#include "common/describe.hpp"
#include "exceptions.hpp"
#include "generator.hpp"
#include "selectors.hpp"

namespace asyncio::concurrent {

/// result() was asked of a future that was cancelled. An ordinary exception, as
/// in Python. (concurrent.futures.CancelledError)
class CancelledError : public std::runtime_error {
 public:
  CancelledError() : std::runtime_error("the future was cancelled") {}
};

/// Longer ones would overflow the system's clock; what is no number is none.
inline Seconds within_range(Seconds timeout) {
  constexpr Seconds longest_wait = std::chrono::hours(24 * 365 * 100);
  return std::max(Seconds(0), std::min(timeout, longest_wait));
}

/// Tells of the exception that is being handled, where nobody else hears of it.
inline void report(const char* message) noexcept {
  try {
    const std::string error = describe(std::current_exception());
    std::fprintf(stderr, "%s: %s\n", message, error.c_str());
  } catch (...) {
    std::fprintf(stderr, "%s\n", message);
  }
}

// ---- Waiting ----

/// Stands for the result of a call that another thread makes. Copies stand for
/// the same. (concurrent.futures.Future)
template <class T = void>
class Future {
 public:
  /// Cancels the call, unless it has begun: a thread cannot be stopped. Returns
  /// whether it is cancelled. (Future.cancel)
  bool cancel() const {
    const bool first = shared_->move(Phase::pending, Phase::cancelled);
    if (first) {
      call_back();
    }
    return first || cancelled();
  }

  /// (Future.cancelled)
  bool cancelled() const { return shared_->is(Phase::cancelled); }

  /// Whether a thread makes the call now. (Future.running)
  bool running() const { return shared_->is(Phase::running); }

  /// (Future.done)
  bool done() const { return cancelled() || shared_->is(Phase::finished); }

  /// Waits until it is done, for `timeout` at most. Returns the result, or
  /// throws the call's exception, CancelledError, TimeoutError. What cannot be
  /// copied moves out, once. (Future.result)
  T result(std::optional<Seconds> timeout = std::nullopt) const {
    std::unique_lock lock(shared_->mutex);
    shared_->wait(lock, timeout);
    if (shared_->exception) {
      std::rethrow_exception(shared_->exception);
    }
    if constexpr (is_copyable<Value<T>>) {
      return static_cast<T>(*shared_->value);
    } else {
      if (!shared_->value) {
        throw InvalidStateError("the result was moved out already");
      }
      return *std::exchange(shared_->value, std::nullopt);
    }
  }

  /// The same, but returns the exception, or nullptr. (Future.exception)
  std::exception_ptr exception(
      std::optional<Seconds> timeout = std::nullopt
  ) const {
    std::unique_lock lock(shared_->mutex);
    shared_->wait(lock, timeout);
    return shared_->exception;
  }

  /// Calls `callback` with this future once it is done, in the thread that
  /// makes it so; at once if it is. (Future.add_done_callback)
  void add_done_callback(std::function<void(const Future&)> callback) const {
    {
      const std::lock_guard lock(shared_->mutex);
      if (!shared_->done()) {
        shared_->callbacks.push_back(std::move(callback));
        return;
      }
    }
    call_back(callback);
  }

  // ---- For those who make the call ----

  /// Returns false if it was cancelled: then there is no call to make.
  /// (Future.set_running_or_notify_cancel)
  bool set_running_or_notify_cancel() const {
    if (shared_->move(Phase::pending, Phase::running)) {
      return true;
    }
    if (!cancelled()) {
      throw InvalidStateError("Future in unexpected state");
    }
    return false;
  }

  /// Throws InvalidStateError if it is done. (Future.set_result)
  void set_result(Value<T> value) const {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->check_pending();
      // First: what cannot be moved is not there.
      shared_->value.emplace(std::move(value));
      shared_->finish();
    }
    call_back();
  }

  /// The same. (Future.set_exception)
  void set_exception(std::exception_ptr exception) const {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->check_pending();
      shared_->exception = std::move(exception);
      shared_->finish();
    }
    call_back();
  }

 private:
  enum class Phase { pending, running, cancelled, finished };

  /// What all copies share, under its mutex.
  struct Shared {
    bool is(Phase asked) {
      const std::lock_guard lock(mutex);
      return phase == asked;
    }

    bool done() const {
      return phase == Phase::cancelled || phase == Phase::finished;
    }

    /// Returns false if it was not in that phase.
    bool move(Phase from, Phase to) {
      const std::lock_guard lock(mutex);
      if (phase != from) {
        return false;
      }
      phase = to;
      changed.notify_all();
      return true;
    }

    void check_pending() const {
      if (done()) {
        throw InvalidStateError("invalid state");
      }
    }

    void finish() {
      phase = Phase::finished;
      changed.notify_all();
    }

    void wait(
        std::unique_lock<std::mutex>& lock,
        std::optional<Seconds> timeout
    ) {
      const auto is_done = [this] { return done(); };
      if (!timeout) {
        changed.wait(lock, is_done);
      } else if (!changed.wait_for(lock, within_range(*timeout), is_done)) {
        throw TimeoutError();
      }
      if (phase == Phase::cancelled) {
        throw CancelledError();
      }
    }

    std::mutex mutex;
    std::condition_variable changed;
    Phase phase = Phase::pending;
    std::optional<Value<T>> value;
    std::exception_ptr exception;
    std::vector<std::function<void(const Future&)>> callbacks;
  };

  void call_back() const {
    std::unique_lock lock(shared_->mutex);
    const auto callbacks = std::exchange(shared_->callbacks, {});
    lock.unlock();
    for (const auto& callback : callbacks) {
      call_back(callback);
    }
  }

  // (Future._invoke_callbacks)
  void call_back(const std::function<void(const Future&)>& callback) const {
    try {
      callback(*this);
    } catch (...) {
      report("exception calling callback");
    }
  }

  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

// ---- A pool of threads ----

/// Makes calls in threads: one more for each call that finds no idle thread, up
/// to `max_workers`. (concurrent.futures.ThreadPoolExecutor)
class ThreadPoolExecutor {
 public:
  /// As many as CPython's by default: most of them wait, most of the time.
  static std::size_t default_workers() {
    return std::min(32u, std::max(1u, std::thread::hardware_concurrency()) + 4);
  }

  /// Throws std::invalid_argument.
  explicit ThreadPoolExecutor(std::size_t max_workers = default_workers())
      : max_workers_(max_workers) {
    if (max_workers == 0) {
      throw std::invalid_argument("max_workers must be greater than 0");
    }
  }
  ThreadPoolExecutor(const ThreadPoolExecutor&) = delete;
  ThreadPoolExecutor& operator=(const ThreadPoolExecutor&) = delete;

  /// Waits for all calls, those in the queue included.
  ~ThreadPoolExecutor() { shutdown(); }

  /// Lets a thread call `function`. Throws std::runtime_error after shutdown(),
  /// std::system_error without threads. (Executor.submit)
  template <class Function, class... Arguments>
  auto submit(Function function, Arguments... arguments) {
    auto call = [function = std::move(function),
                 ... arguments = std::move(arguments)]() mutable {
      return std::invoke(std::move(function), std::move(arguments)...);
    };
    auto item = std::make_unique<WorkItem<decltype(call)>>(std::move(call));
    const auto future = item->future;
    // The call may end this pool before its thread is woken.
    const auto shared = shared_;
    {
      const std::lock_guard lock(shared->mutex);
      if (shared->shutdown) {
        throw std::runtime_error("cannot schedule new futures after shutdown");
      }
      // First: what cannot be done by anyone must not be in the queue.
      adjust_thread_count();
      shared->queue.push_back(std::move(item));
    }
    // Only now: a thread that is woken needs the mutex at once.
    shared->changed.notify_one();
    return future;
  }

  /// Submits a call for each of `values`. Yields the results in that order;
  /// what has not begun when the generator is closed is cancelled.
  /// (Executor.map)
  template <class Function, class Values>
  auto map(Function function, Values values) {
    using T = std::invoke_result_t<Function, typename Values::value_type>;
    std::vector<Future<T>> futures;
    for (auto& value : values) {
      futures.push_back(submit(function, std::move(value)));
    }
    return results(std::move(futures));
  }

  /// Takes no more calls. Waits for those it has, unless `wait` is false;
  /// `cancel_futures` drops those that have not begun. (Executor.shutdown)
  void shutdown(bool wait = true, bool cancel_futures = false) {
    std::deque<std::unique_ptr<Item>> cancelled;
    std::vector<std::thread> threads;
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->shutdown = true;
      shared_->changed.notify_all();
      if (cancel_futures) {
        cancelled.swap(shared_->queue);
      }
      if (wait) {
        threads.swap(threads_);
      }
    }
    for (const auto& item : cancelled) {
      item->cancel();
    }
    const auto own = std::this_thread::get_id();
    for (std::thread& thread : threads) {
      // One of its calls may end the pool: no thread can wait for itself.
      thread.get_id() == own ? thread.detach() : thread.join();
    }
    // Those that another thread joins.
    if (wait && Shared::own != shared_.get()) {
      std::unique_lock lock(shared_->mutex);
      shared_->changed.wait(lock, [this] { return shared_->threads == 0; });
    }
  }

 private:
  struct Item {
    virtual ~Item() = default;
    virtual void run() = 0;
    virtual void cancel() = 0;
  };

  /// A call, and the future that it fills in. (thread._WorkItem)
  template <class Call>
  struct WorkItem : Item {
    using T = std::invoke_result_t<Call&>;

    explicit WorkItem(Call made) : call(std::move(made)) {}

    void run() override {
      if (!future.set_running_or_notify_cancel()) {
        return;
      }
      std::exception_ptr exception;
      try {
        future.set_result(result());
        return;
      } catch (...) {
        exception = std::current_exception();
      }
      // Only now: outside, nothing of the exception is left to this thread.
      future.set_exception(std::move(exception));
    }

    // What the call owns is gone before anyone hears of its end.
    Value<T> result() {
      auto mine = std::exchange(call, std::nullopt);
      if constexpr (std::is_void_v<T>) {
        (*mine)();
        return None;
      } else {
        return (*mine)();
      }
    }

    void cancel() override { future.cancel(); }

    std::optional<Call> call;
    Future<T> future;
  };

  /// What the threads need: one of them may outlive the pool.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<std::unique_ptr<Item>> queue;
    /// How many threads wait for a call.
    std::size_t idle = 0;
    /// How many there are at all.
    std::size_t threads = 0;
    bool shutdown = false;
    /// The pool that this thread works for.
    static inline thread_local const Shared* own = nullptr;
  };

  template <class T>
  static Generator<T> results(std::vector<Future<T>> futures) {
    try {
      for (const Future<T>& future : futures) {
        if constexpr (std::is_void_v<T>) {
          future.result();
          co_yield None;
        } else {
          T result = future.result();
          co_yield std::move(result);
        }
      }
    } catch (...) {
      // Or closed: GeneratorExit.
      for (const Future<T>& future : futures) {
        future.cancel();
      }
      throw;
    }
  }

  void adjust_thread_count() {
    if (shared_->queue.size() >= shared_->idle &&
        threads_.size() < max_workers_) {
      threads_.emplace_back([shared = shared_] { work(*shared); });
      ++shared_->threads;
    }
  }

  // (thread._worker)
  static void work(Shared& shared) {
    Shared::own = &shared;
    std::unique_lock lock(shared.mutex);
    while (true) {
      ++shared.idle;
      shared.changed.wait(lock, [&shared] {
        return shared.shutdown || !shared.queue.empty();
      });
      --shared.idle;
      if (shared.queue.empty()) {
        --shared.threads;
        shared.changed.notify_all();
        return;
      }
      auto item = std::move(shared.queue.front());
      shared.queue.pop_front();
      lock.unlock();
      try {
        item->run();
      } catch (...) {
        // Its future was set already, from elsewhere.
        report("Exception in worker");
      }
      item = nullptr;
      lock.lock();
    }
  }

  const std::size_t max_workers_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::vector<std::thread> threads_;
};

}  // namespace asyncio::concurrent
