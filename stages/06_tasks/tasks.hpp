// Tasks: coroutines with a handle. A task is a driver and a future in one, done
// when its coroutine has ended, and the loop keeps it until then.
// (CPython: Lib/asyncio/tasks.py)
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coroutines.hpp"

namespace asyncio {

// ---- A coroutine with a handle ----

/// A driver that is a future as well: done when its coroutine has ended.
template <class T>
class TaskState : public CoroutineDriver<T>, public FutureState<T> {
 public:
  TaskState(Coroutine<T> coroutine, EventLoop& loop)
      : CoroutineDriver<T>(std::move(coroutine), loop),
        FutureState<T>(loop),
        function_(this->where().function) {}
  ~TaskState() override {
    this->report_unretrieved("Task exception was never retrieved");
  }

  FutureBase& future() override { return *this; }

  bool cancel(std::string message) override {
    if (this->done()) {
      return FutureState<T>::cancel(std::move(message));
    }
    trace::cancelled(this);
    this->throw_cancelled(message);
    return true;
  }

  void abandon() override {
    CoroutineDriver<T>::abandon();
    if (this->log_destroy_pending) {
      this->loop().report("Task was destroyed but it is pending!", nullptr);
    }
    { const Coroutine<T> gone = std::move(this->coroutine_); }
    // Last: what the frame owned may have added one.
    this->drop_done_callbacks();
  }

  // Its outcome is its coroutine's. (Task.set_result)
  void set_result(Value<T>) override {
    throw std::logic_error("Task does not support set_result operation");
  }
  void set_exception(std::exception_ptr) override {
    throw std::logic_error("Task does not support set_exception operation");
  }

  // (base_tasks._task_repr)
  std::string to_string() const override {
    if (this->in_description_) {
      return "...";
    }
    const Recursion deeper;
    const Described described(*this);
    std::string text = "<Task " + this->describe_state() + " name='" +
                       this->get_name() + "' coro=<" + function_ + "() ";
    EventLoop* const loop = this->loop_if_alive();
    const bool running = !this->done() && loop && !loop->is_closed();
    text += running ? "running at " + place(this->where()) + ">" : "done>";
    if (this->waits_for()) {
      text += " wait_for=" + this->waits_for()->to_string();
    }
    return text + this->describe_outcome() + ">";
  }

  void trace_wait(const void* waiter, int line) const override {
    trace::waits_for(waiter, this, line);
  }

 protected:
  // The frame goes now, even if somebody keeps the task.
  void finish() override {
    Coroutine<T> ended = std::move(this->coroutine_);
    try {
      if constexpr (std::is_void_v<T>) {
        ended.result();
        succeed(None);
      } else {
        succeed(std::move(ended.result()));
      }
    } catch (const CancelledError&) {
      trace::done(this, "cancelled");
      this->end_cancelled(std::current_exception());
    } catch (const KeyboardInterrupt&) {
      // Not this task's alone: it ends the run. (Task.__step)
      trace::done(this, "raised");
      FutureState<T>::set_exception(std::current_exception());
      throw;
    } catch (...) {
      trace::done(this, "raised");
      FutureState<T>::set_exception(std::current_exception());
    }
  }

 private:
  /// Marks the task that is being described: one may wait for itself, by way
  /// of others.
  class Described {
   public:
    explicit Described(const TaskState& task) : task_(task) {
      task_.in_description_ = true;
    }
    ~Described() { task_.in_description_ = false; }
    Described(const Described&) = delete;
    Described& operator=(const Described&) = delete;

   private:
    const TaskState& task_;
  };

  void succeed(Value<T> value) {
    if (this->must_cancel_) {
      throw CancelledError(*this->must_cancel_);
    }
    trace::done(this);
    FutureState<T>::set_result(std::move(value));
  }

  /// "spinner.cpp:12"
  static std::string place(const Where& where) {
    const std::string file = where.file;
    return file.substr(file.rfind('/') + 1) + ":" + std::to_string(where.line);
  }

  const char* function_;
};

/// A task of whatever: what can be said of it without its result.
class AnyTask : public AnyFuture {
 public:
  AnyTask() = default;
  explicit AnyTask(const std::shared_ptr<Driver>& driver)
      : AnyFuture(std::shared_ptr<FutureBase>(driver, &driver->future())),
        driver_(driver.get()) {}

  /// "Task-7" unless it was given another one. (Task.get_name)
  std::string get_name() const { return driver().get_name(); }

  /// (Task.set_name)
  void set_name(std::string name) const { driver().set_name(std::move(name)); }

  /// The older one comes first; threads number theirs on their own.
  friend bool operator<(const AnyTask& one, const AnyTask& other) {
    return std::pair(one.driver().number(), one.driver_) <
           std::pair(other.driver().number(), other.driver_);
  }

 private:
  // Once moved from, it still has the pointer.
  Driver& driver() const {
    base();
    return *driver_;
  }

  Driver* driver_ = nullptr;
};

/// A coroutine that runs on its own: a future that is done when the coroutine
/// has ended. The loop keeps it until then, whoever forgets it. cancel() throws
/// CancelledError in where it is paused. (asyncio.Task)
template <class T = void>
class Task : public Future<T> {
 public:
  /// No task at all.
  Task() : Future<T>(nullptr) {}
  explicit Task(std::shared_ptr<FutureBase> state)
      : Future<T>(std::move(state)) {}

  /// The same task, with its result out of sight.
  operator AnyTask() const { return AnyTask(task()); }

  /// As Future's; the callback may take the task.
  template <class Callback>
  std::uint64_t add_done_callback(Callback callback) const {
    return this->template add_callback<Task>(std::move(callback));
  }

  /// "Task-7" unless it was given another one. (Task.get_name)
  std::string get_name() const { return task()->get_name(); }

  /// (Task.set_name)
  void set_name(std::string name) const { task()->set_name(std::move(name)); }

 private:
  std::shared_ptr<TaskState<T>> task() const {
    return std::static_pointer_cast<TaskState<T>>(this->shared());
  }
};

// ---- Starting one ----

/// Starts a coroutine: it begins in the loop's next round, and the loop keeps
/// it until it ends. Outside of a running loop say which. Throws
/// std::logic_error if there is none. (asyncio.create_task)
template <class T>
Task<T> create_task(
    Coroutine<T> coroutine,
    EventLoop& loop,
    std::string name = ""
) {
  const Where where = coroutine.where();
  auto task = std::make_shared<TaskState<T>>(std::move(coroutine), loop);
  if (!name.empty()) {
    task->set_name(std::move(name));
  }
  trace::born(task.get(), where.function, where.file, where.line);
  Driver::start(task);
  return Task<T>(std::move(task));
}
template <class T>
Task<T> create_task(Coroutine<T> coroutine, std::string name = "") {
  return create_task(std::move(coroutine), get_running_loop(),
                     std::move(name));
}

/// The object that `co_await awaitable` asks: whether to wait, for what result.
template <class Awaitable>
decltype(auto) get_awaiter(Awaitable& awaitable) {
  if constexpr (requires { awaitable.operator co_await(); }) {
    return awaitable.operator co_await();
  } else if constexpr (requires { operator co_await(awaitable); }) {
    return operator co_await(awaitable);
  } else {
    return (awaitable);
  }
}

/// What `co_await awaitable` gives.
template <class Awaitable>
using AwaitResult =
    decltype(get_awaiter(std::declval<Awaitable&>()).await_resume());

/// Anything that can be awaited, as a coroutine.
template <class Awaitable>
Coroutine<AwaitResult<Awaitable>> as_coroutine(Awaitable awaitable) {
  co_return co_await awaitable;
}

/// The same for anything else that can be awaited.
template <class Awaitable>
auto create_task(
    Awaitable awaitable,
    EventLoop& loop,
    std::string name = ""
) {
  return create_task(as_coroutine(std::move(awaitable)), loop,
                     std::move(name));
}
template <class Awaitable>
auto create_task(Awaitable awaitable, std::string name = "") {
  return create_task(std::move(awaitable), get_running_loop(),
                     std::move(name));
}

/// A task for whatever is not a future yet; without `report` only its maker
/// hears of its end. (asyncio.ensure_future)
template <class Awaitable>
auto ensure_future(Awaitable awaitable, EventLoop& loop, bool report = true) {
  const auto task = create_task(std::move(awaitable), loop);
  task.base().log_destroy_pending = report;
  return task;
}
template <class AFuture>
  requires std::is_base_of_v<AnyFuture, AFuture>
AFuture ensure_future(AFuture future, EventLoop& loop, bool = true) {
  check_loop(future, loop);
  return future;
}
template <class Awaitable>
auto ensure_future(Awaitable awaitable) {
  if constexpr (std::is_base_of_v<AnyFuture, Awaitable>) {
    return awaitable;
  } else {
    return create_task(std::move(awaitable));
  }
}

// ---- Which ones there are ----

/// The task that this code runs in; none in a callback. Throws std::logic_error
/// outside of a running loop. (asyncio.current_task)
inline AnyTask current_task() {
  EventLoop& loop = get_running_loop();
  Driver* const driver = Driver::current();
  const auto owned = driver ? loop.owned(*driver) : nullptr;
  return owned ? AnyTask(owned) : AnyTask();
}

/// Those that are not done, the oldest first. (asyncio.all_tasks)
inline std::vector<AnyTask> all_tasks(EventLoop& loop = get_running_loop()) {
  std::vector<AnyTask> tasks;
  for (const auto& work : loop.unfinished()) {
    const auto driver = std::dynamic_pointer_cast<Driver>(work);
    if (driver && !driver->future().done()) {
      tasks.push_back(AnyTask(driver));
    }
  }
  std::sort(tasks.begin(), tasks.end());
  return tasks;
}

}  // namespace asyncio
