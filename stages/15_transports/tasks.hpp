// Tasks: coroutines with a handle. A task is a driver and a future in one, done
// when its coroutine has ended, and the loop keeps it until then.
// (CPython: Lib/asyncio/tasks.py)
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <tuple>
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
    const bool cancelling = !this->done() && this->cancelling() > 0;
    std::string text = "<Task " +
                       (cancelling ? "cancelling" : this->describe_state()) +
                       " name='" +
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

  /// How many have asked for its cancellation and not taken that back.
  /// (Task.cancelling)
  int cancelling() const { return driver().cancelling(); }

  /// Takes one of them back. Returns how many are left. (Task.uncancel)
  int uncancel() const { return driver().uncancel(); }

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

  /// How many have asked for its cancellation and not taken that back.
  /// (Task.cancelling)
  int cancelling() const { return task()->cancelling(); }

  /// Takes one of them back. Returns how many are left. (Task.uncancel)
  int uncancel() const { return task()->uncancel(); }

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

// ---- How one has ended ----

/// What a future that is done failed with, CancelledError included, or nullptr.
inline std::exception_ptr failure(const AnyFuture& future) {
  return future.base().failure();
}

/// How a future ended: with a value, or with an exception instead.
template <class T>
class Outcome {
 public:
  explicit Outcome(const Future<T>& future) : exception(failure(future)) {
    if (exception) {
      return;
    }
    if constexpr (std::is_void_v<T>) {
      value_.emplace();
    } else {
      value_.emplace(future.result());
    }
  }
  explicit Outcome(const AnyFuture& future)
    requires std::is_void_v<T>
      : Outcome(Future<>(future.state())) {}

  /// Throws the exception if there is one.
  const Value<T>& value() const {
    if (exception) {
      std::rethrow_exception(exception);
    }
    return *value_;
  }

  /// nullptr if there is a value.
  std::exception_ptr exception;

 private:
  std::optional<Value<T>> value_;
};

// ---- gather: all of them ----

/// gather(return_exceptions, ...): an exception is a result like any other.
struct ReturnExceptions {
  template <class T>
  Outcome<T> operator()(const Future<T>& future) const {
    return Outcome<T>(future);
  }
  Outcome<void> operator()(const AnyFuture& future) const {
    return Outcome<void>(future);
  }
};
inline constexpr ReturnExceptions return_exceptions;

/// gather(...): the first exception is the outcome of the whole.
struct ReturnResults {
  template <class T>
  Value<T> operator()(const Future<T>& future) const {
    if constexpr (std::is_void_v<T>) {
      return None;
    } else {
      return future.result();
    }
  }
  NoneType operator()(const AnyFuture&) const { return None; }
};

/// Is done when its children are; cancelling it cancels them.
/// (tasks._GatheringFuture)
template <class Results>
class GatheringFuture : public FutureState<Results> {
 public:
  using Collect = std::function<Results()>;

  GatheringFuture(
      std::vector<AnyFuture> children,
      Collect collect,
      bool first_exception_ends_it,
      EventLoop& loop
  )
      : FutureState<Results>(loop),
        children_(std::move(children)),
        collect_(std::move(collect)),
        first_exception_ends_it_(first_exception_ends_it),
        left_(children_.size()) {
    if (left_ == 0) {
      this->set_result(collect_());
    }
  }

  bool cancel(std::string message) override {
    if (this->done()) {
      return false;
    }
    const Recursion deeper;
    bool cancelled = false;
    for (const AnyFuture& child : children_) {
      cancelled = child.cancel(message) || cancelled;
    }
    cancel_requested_ = cancel_requested_ || cancelled;
    return cancelled;
  }

  /// To be called once for each child.
  void child_done(const AnyFuture& child) {
    --left_;
    if (this->done()) {
      // Nobody else asks, and it is not to be reported.
      failure(child);
    } else if (first_exception_ends_it_ && failure(child)) {
      this->set_exception(failure(child));
    } else if (left_ == 0) {
      end_with_the_last();
    }
    if (this->done()) {
      const auto collect = std::exchange(collect_, nullptr);
      const auto children = std::exchange(children_, {});
    }
  }

 private:
  void end_with_the_last() {
    if (!cancel_requested_) {
      succeed();
      return;
    }
    for (const AnyFuture& child : children_) {
      failure(child);
    }
    const auto error = std::make_exception_ptr(CancelledError());
    const AnyFuture& last = children_.back();
    this->set_exception(last.cancelled() ? failure(last) : error);
  }

  // A result that can only be moved may have been taken by somebody else.
  void succeed() {
    try {
      this->set_result(collect_());
    } catch (...) {
      this->set_exception(std::current_exception());
    }
  }

  std::vector<AnyFuture> children_;
  Collect collect_;
  bool first_exception_ends_it_;
  bool cancel_requested_ = false;
  std::size_t left_;
};

/// The children know of the whole, but do not keep it: it keeps them. Once it
/// is gone with its outcome, no other exception is to be reported.
template <class Results>
Future<Results> gather_children(
    std::vector<AnyFuture> children,
    std::function<Results()> collect,
    bool first_exception_ends_it
) {
  EventLoop& loop =
      children.empty() ? get_running_loop() : children.front().get_loop();
  const auto whole = std::make_shared<GatheringFuture<Results>>(
      children, std::move(collect), first_exception_ends_it, loop);
  const auto over = std::make_shared<bool>(false);
  whole->add_done_callback([over](EventLoop&) { *over = true; });
  const std::weak_ptr<GatheringFuture<Results>> weak = whole;
  for (const AnyFuture& child : children) {
    child.add_done_callback([weak, over](const AnyFuture& done) {
      if (const auto gathering = weak.lock()) {
        gathering->child_done(done);
      } else if (*over) {
        failure(done);
      }
    });
  }
  return Future<Results>(whole);
}

/// Where all of them are to run: a future's loop if it comes first, or else
/// the one that runs.
template <class... Awaitables>
EventLoop& loop_of(const Awaitables&...) {
  return get_running_loop();
}
template <class First, class... Others>
  requires std::is_base_of_v<AnyFuture, First>
EventLoop& loop_of(const First& first, const Others&...) {
  return first.get_loop();
}

template <class Give, class... Awaitables>
auto gather_all(Give give, Awaitables... each) {
  EventLoop& loop = loop_of(each...);
  // In braces: their order is that of the arguments.
  const std::tuple futures{ensure_future(std::move(each), loop, false)...};
  const auto children = std::apply([](const auto&... future) {
    return std::vector<AnyFuture>{future...};
  }, futures);
  const auto collect = [give, futures] {
    return std::apply([&](const auto&... future) {
      return std::tuple<decltype(give(future))...>{give(future)...};
    }, futures);
  };
  using Results = decltype(collect());
  return gather_children<Results>(
      children, collect, std::is_same_v<Give, ReturnResults>);
}

template <class Give, class Awaitable>
auto gather_vector(Give give, std::vector<Awaitable> awaitables) {
  using One = decltype(ensure_future(std::declval<Awaitable>()));
  using Results =
      std::vector<decltype(give(std::declval<const One&>()))>;
  std::vector<One> futures;
  for (Awaitable& awaitable : awaitables) {
    EventLoop& loop =
        futures.empty() ? loop_of(awaitable) : futures.front().get_loop();
    futures.push_back(ensure_future(std::move(awaitable), loop, false));
  }
  const std::vector<AnyFuture> children(futures.begin(), futures.end());
  const auto collect = [give, futures] {
    Results results;
    for (const One& future : futures) {
      results.push_back(give(future));
    }
    return results;
  };
  return gather_children<Results>(
      children, collect, std::is_same_v<Give, ReturnResults>);
}

/// Runs all of them at once. Gives a future of the tuple of their results, in
/// the order of the arguments (None for void); the first exception is its
/// exception. The others go on then. Cancelling it cancels all.
/// (asyncio.gather)
template <class... Awaitables>
auto gather(Awaitables... awaitables) {
  return gather_all(ReturnResults(), std::move(awaitables)...);
}

/// The same for any number: a future of the vector of their results.
template <class Awaitable>
auto gather(std::vector<Awaitable> awaitables) {
  return gather_vector(ReturnResults(), std::move(awaitables));
}

/// The same, and gives an Outcome for each. (return_exceptions=True)
template <class... Awaitables>
auto gather(ReturnExceptions give, Awaitables... awaitables) {
  return gather_all(give, std::move(awaitables)...);
}
template <class Awaitable>
auto gather(ReturnExceptions give, std::vector<Awaitable> awaitables) {
  return gather_vector(give, std::move(awaitables));
}

// ---- wait: some of them ----

/// Done callbacks that are taken back when this is destroyed.
class DoneCallbacks {
 public:
  DoneCallbacks() = default;
  DoneCallbacks(const DoneCallbacks&) = delete;
  DoneCallbacks& operator=(const DoneCallbacks&) = delete;
  ~DoneCallbacks() {
    for (const auto& [future, id] : added_) {
      future.remove_done_callback(id);
    }
  }

  template <class Callback>
  void add(const AnyFuture& future, Callback callback) {
    const std::uint64_t id = future.add_done_callback(std::move(callback));
    added_.push_back({future, id});
  }

 private:
  std::vector<std::pair<AnyFuture, std::uint64_t>> added_;
};

/// Each of them once, in the same order.
template <class AFuture>
std::vector<AFuture> without_repeats(std::vector<AFuture> futures) {
  std::set<const FutureBase*> seen;
  std::erase_if(futures, [&](const AFuture& future) {
    return !seen.insert(future.state().get()).second;
  });
  return futures;
}

/// A future to be released by hand, or by time.
inline Future<> create_waiter(std::optional<Seconds> timeout) {
  if (timeout) {
    return Future<>(std::make_shared<Timer>(*timeout));
  }
  return Future<>();
}

/// (tasks._release_waiter)
inline void release(const Future<>& waiter) {
  if (!waiter.done()) {
    waiter.set_result();
  }
}

/// What wait() waits for. (asyncio.FIRST_COMPLETED and its two sisters)
enum class ReturnWhen { first_completed, first_exception, all_completed };
inline constexpr auto FIRST_COMPLETED = ReturnWhen::first_completed;
inline constexpr auto FIRST_EXCEPTION = ReturnWhen::first_exception;
inline constexpr auto ALL_COMPLETED = ReturnWhen::all_completed;

/// What wait() gives, both in the order of its argument.
template <class AFuture>
struct Waited {
  std::vector<AFuture> done;
  std::vector<AFuture> pending;
};

/// To be called for each of `count` futures that is done. Releases `waiter`
/// once there are enough. (tasks._wait's _on_completion)
inline auto release_when(ReturnWhen when, std::size_t count, Future<> waiter) {
  const auto left = std::make_shared<std::size_t>(count);
  return [=](const AnyFuture& future) {
    --*left;
    if (*left == 0 || when == FIRST_COMPLETED ||
        (when == FIRST_EXCEPTION && !future.cancelled() &&
         future.exception())) {
      release(waiter);
    }
  };
}

/// Waits until some of the futures are done, or `timeout` has passed, and
/// cancels none. Throws std::invalid_argument if there are none.
/// (asyncio.wait)
template <class AFuture>
Coroutine<Waited<AFuture>> wait(
    std::vector<AFuture> futures,
    ReturnWhen return_when = ALL_COMPLETED,
    std::optional<Seconds> timeout = std::nullopt
) {
  static_assert(std::is_base_of_v<AnyFuture, AFuture>,
                "wait() takes futures: create_task() makes one of a coroutine");
  if (futures.empty()) {
    throw std::invalid_argument("no futures to wait for");
  }
  for (const AFuture& future : futures) {
    ensure_future(future, get_running_loop());
  }
  futures = without_repeats(std::move(futures));
  const Future<> waiter = create_waiter(timeout);
  const auto on_completion = release_when(return_when, futures.size(), waiter);
  {
    DoneCallbacks callbacks;
    for (const AFuture& future : futures) {
      callbacks.add(future, on_completion);
    }
    co_await waiter;
  }
  Waited<AFuture> waited;
  for (const AFuture& future : futures) {
    (future.done() ? waited.done : waited.pending).push_back(future);
  }
  co_return waited;
}

template <class AFuture>
Coroutine<Waited<AFuture>> wait(std::vector<AFuture> futures, Seconds timeout) {
  return wait(std::move(futures), ALL_COMPLETED, timeout);
}

/// The same for some of different types.
template <class... Futures>
  requires(std::is_base_of_v<AnyFuture, Futures> && ...)
Coroutine<Waited<AnyFuture>> wait(Futures... futures) {
  return wait(std::vector<AnyFuture>{std::move(futures)...});
}

// ---- wait_for: one, but not for ever ----

/// Not done before `future` is: its clean-up may take a while.
/// (tasks._cancel_and_wait)
inline Coroutine<> cancel_and_wait(AnyFuture future) {
  const Future<> waiter;
  DoneCallbacks callbacks;
  callbacks.add(future, [waiter] { release(waiter); });
  future.cancel();
  co_await waiter;
}

/// Cancels `future`: because time is up, or because whoever waits for it is
/// `cancelled`. Its result, if it has one all the same.
template <class AFuture>
Coroutine<AwaitResult<AFuture>> give_up(
    AFuture future,
    std::exception_ptr cancelled
) {
  co_await cancel_and_wait(future);
  if (cancelled) {
    std::rethrow_exception(cancelled);
  }
  try {
    co_return future.result();
  } catch (const CancelledError&) {
    throw TimeoutError();
  }
}

/// Waits for the result, `timeout` at most; cancels what takes longer and
/// throws TimeoutError. (asyncio.wait_for)
template <class Awaitable>
Coroutine<AwaitResult<Awaitable>> wait_for(
    Awaitable awaitable,
    std::optional<Seconds> timeout
) {
  if (!timeout) {
    co_return co_await awaitable;
  }
  const auto future =
      ensure_future(std::move(awaitable), get_running_loop());
  std::exception_ptr cancelled;
  if (*timeout > Seconds(0)) {
    const Future<> waiter = create_waiter(timeout);
    DoneCallbacks callbacks;
    callbacks.add(future, [waiter] { release(waiter); });
    try {
      co_await waiter;
    } catch (const CancelledError&) {
      cancelled = std::current_exception();
    }
  }
  if (future.done()) {
    co_return future.result();
  }
  co_return co_await give_up(future, cancelled);
}

// ---- shield: wait, but do not touch ----

/// Ends one future as another has ended.
template <class AFuture, class T>
void pass_on(const AFuture& from, const Future<T>& to) {
  if (to.done()) {
    failure(from);
  } else if (from.cancelled()) {
    to.cancel();
  } else if (from.exception()) {
    to.set_exception(from.exception());
  } else if constexpr (std::is_void_v<T>) {
    to.set_result();
  } else {
    try {
      to.set_result(from.result());
    } catch (...) {
      to.set_exception(std::current_exception());
    }
  }
}

/// The future that stands for an awaitable: of its result, or of any.
template <class Awaitable, class T = AwaitResult<Awaitable>>
using FutureOf = std::conditional_t<
    std::is_base_of_v<AnyFuture, Awaitable> &&
        !std::is_base_of_v<Future<T>, Awaitable>,
    AnyFuture, Future<T>>;

/// A future with the outcome of `awaitable`; cancelling it leaves that alone.
/// (asyncio.shield)
template <class Awaitable>
FutureOf<Awaitable> shield(Awaitable awaitable) {
  using T = AwaitResult<Awaitable>;
  EventLoop* const running = EventLoop::running();
  EventLoop& loop = running ? *running : loop_of(awaitable);
  const FutureOf<Awaitable> inner = ensure_future(std::move(awaitable), loop);
  if (inner.done()) {
    return inner;
  }
  const Future<T> outer(inner.get_loop());
  const std::weak_ptr<FutureBase> weak = outer.state();
  const auto id = inner.add_done_callback([weak](const auto& done) {
    if (const auto state = weak.lock()) {
      pass_on(done, Future<T>(state));
    }
  });
  outer.add_done_callback([inner, id] { inner.remove_done_callback(id); });
  return outer;
}

// ---- as_completed: as they come ----

/// What as_completed() shares with the coroutines that it gives.
template <class AFuture>
class Completed {
 public:
  explicit Completed(std::size_t count) : left_(count) {}

  void put(const AFuture& future) {
    if (timed_out_) {
      return;
    }
    done_.push_back(future);
    wake_one();
    if (--left_ == 0) {
      timer_.cancel();
    }
  }

  void set_timer(TimerHandle timer) { timer_ = std::move(timer); }

  /// Nobody needs to wait for more than there are.
  void time_out() {
    timed_out_ = true;
    for (const Future<>& waiter : std::exchange(waiters_, {})) {
      release(waiter);
    }
  }

  bool empty() const { return done_.empty(); }
  bool timed_out() const { return timed_out_; }

  AFuture take() {
    const AFuture first = done_.front();
    done_.pop_front();
    return first;
  }

  Future<> waiter() {
    waiters_.push_back(Future<>());
    return waiters_.back();
  }

  void wake_one() {
    while (!waiters_.empty()) {
      const Future<> waiter = waiters_.front();
      waiters_.pop_front();
      if (!waiter.done()) {
        waiter.set_result();
        return;
      }
    }
  }

 private:
  std::size_t left_;
  TimerHandle timer_;
  std::deque<AFuture> done_;
  std::deque<Future<>> waiters_;
  bool timed_out_ = false;
};

/// The result of the next that is done. (as_completed's _wait_for_one)
template <class AFuture, class T = AwaitResult<AFuture>>
Coroutine<T> next_completed(std::shared_ptr<Completed<AFuture>> completed) {
  while (completed->empty()) {
    if (completed->timed_out()) {
      throw TimeoutError();
    }
    const Future<> waiter = completed->waiter();
    try {
      co_await waiter;
    } catch (...) {
      // What it was woken for is there for the next one. (Queue.get)
      const bool was_woken = !waiter.cancel() && !waiter.cancelled();
      if (was_woken && !completed->empty()) {
        completed->wake_one();
      }
      throw;
    }
  }
  const AFuture future = completed->take();
  co_return future.result();
}

/// Returns the numbers of the callbacks.
template <class AFuture>
std::vector<std::uint64_t> put_when_done(
    const std::vector<AFuture>& futures,
    const std::shared_ptr<Completed<AFuture>>& completed
) {
  std::vector<std::uint64_t> callbacks;
  for (const AFuture& future : futures) {
    callbacks.push_back(
        future.add_done_callback([completed](const AFuture& done) {
          completed->put(done);
        }));
  }
  return callbacks;
}

/// Runs all of them at once, from when the first is asked for. Each coroutine
/// that it yields is to be awaited for the result of the next that is done;
/// TimeoutError for those that are not done in time. (asyncio.as_completed)
template <class Awaitable>
Generator<Coroutine<AwaitResult<Awaitable>>> as_completed(
    std::vector<Awaitable> awaitables,
    std::optional<Seconds> timeout = std::nullopt
) {
  using AFuture = FutureOf<Awaitable>;
  EventLoop& loop = get_running_loop();
  std::vector<AFuture> futures;
  for (Awaitable& awaitable : awaitables) {
    futures.push_back(ensure_future(std::move(awaitable), loop));
  }
  futures = without_repeats(std::move(futures));
  const auto completed = std::make_shared<Completed<AFuture>>(futures.size());
  const auto callbacks = put_when_done(futures, completed);
  if (timeout) {
    const auto time_out = [completed, futures, callbacks] {
      for (std::size_t i = 0; i < futures.size(); ++i) {
        futures[i].remove_done_callback(callbacks[i]);
      }
      completed->time_out();
    };
    completed->set_timer(loop.call_later(*timeout, time_out));
  }
  for (std::size_t i = 0; i < futures.size(); ++i) {
    co_yield next_completed(completed);
  }
}

}  // namespace asyncio
