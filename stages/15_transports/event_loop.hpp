// The loop: waits until anybody can go on, and then makes the calls that are
// due, in the order in which they were asked for. No call is made from within
// another.
// (CPython: Lib/asyncio/base_events.py, selector_events.py and events.py)
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/describe.hpp"
#include "common/is_instance.hpp"
#include "common/ring_buffer.hpp"
#include "common/trace.hpp"
#include "concurrent_futures.hpp"
#include "exceptions.hpp"
#include "mailbox.hpp"
#include "selectors.hpp"

namespace asyncio {

class AsyncGeneratorBase;
class EventLoop;

template <class T>
class Future;

/// A call that the loop has been asked to make. Unlike a timer's it must not
/// outlive the loop: there is one for every call, so it costs next to nothing.
/// (asyncio.Handle)
class Handle {
 public:
  Handle() = default;
  Handle(EventLoop& loop, std::size_t number)
      : loop_(&loop), number_(number) {}

  /// Takes the request back; nothing happens if the call was made already.
  void cancel();

  /// Whether cancel() was called on this object. (Handle.cancelled)
  bool cancelled() const { return number_ == no_number; }

 private:
  static constexpr std::size_t no_number = static_cast<std::size_t>(-1);

  EventLoop* loop_ = nullptr;
  std::size_t number_ = 0;
};

/// A call that the loop has been asked to make later. (asyncio.TimerHandle)
class TimerHandle {
 public:
  TimerHandle() = default;

  /// Takes the request back; nothing happens if the call was made already.
  void cancel();

  /// Whether cancel() was called, in time or not.
  bool cancelled() const { return timer_ && timer_->cancelled; }

  /// When the call is due, on the loop's clock. (TimerHandle.when)
  Seconds when() const { return timer_ ? timer_->when : Seconds(0); }

 private:
  friend class EventLoop;

  struct Timer {
    Seconds when;
    std::function<void()> callback;
    EventLoop* loop;  // until it is due
    bool cancelled = false;

    // Moved out first: it might cancel itself.
    void run() {
      if (const auto call = std::exchange(callback, nullptr)) {
        call();
      }
    }

    // The same: what it owns might cancel this one.
    void drop() { const auto dropped = std::exchange(callback, nullptr); }
  };

  std::shared_ptr<Timer> timer_;
};

/// Something unfinished that the loop keeps alive.
class Work {
 public:
  virtual ~Work() = default;

  /// The loop closes: lets go of everything that needs it.
  virtual void abandon() = 0;

 private:
  friend class EventLoop;

  std::size_t place_ = 0;
};

/// Calls back whoever can go on. (asyncio.BaseEventLoop, SelectorEventLoop)
class EventLoop {
 public:
  using Callback = std::function<void()>;
  using ExceptionHandler =
      std::function<void(const std::string&, std::exception_ptr)>;

  /// Throws std::invalid_argument as DefaultSelector, and without a selector.
  explicit EventLoop(
      std::unique_ptr<BaseSelector> selector = DefaultSelector()
  )
      : selector_(std::move(selector)) {
    if (!selector_) {
      throw std::invalid_argument("an event loop needs a selector");
    }
    add_reader(mailbox_->fileno(), [this] { read_from_self(); });
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;
  ~EventLoop() {
    // What a handler refers to may be gone by now.
    set_exception_handler(nullptr);
    close();
    *lifeline_ = nullptr;
  }

  // ---- Calls ----

  /// Calls `callback` in the next round, after those asked for before. Throws
  /// std::logic_error if the loop is closed, as all that ask for a call do.
  /// (loop.call_soon)
  Handle call_soon(Callback callback) {
    check_open();
    // Those of other threads came first: as in CPython, there is one queue.
    take_calls();
    ready_.push_back(std::move(callback));
    return Handle(*this, begun_ + ready_.size() - 1);
  }

  /// The same from any thread, and wakes the loop. The call cannot be taken
  /// back: it might be under way. (loop.call_soon_threadsafe)
  void call_soon_threadsafe(Callback callback) {
    // The call may end the loop before this returns.
    const auto mailbox = mailbox_;
    if (!mailbox->post(std::move(callback))) {
      throw std::logic_error("the event loop is closed");
    }
  }

  /// For threads that may outlive the loop.
  const std::shared_ptr<Mailbox>& mailbox() const { return mailbox_; }

  // ---- Timers ----

  /// The loop's clock: seconds since some moment in the past. (loop.time)
  Seconds time() const {
    if (virtual_time_) {
      return *virtual_time_;
    }
    return std::chrono::steady_clock::now().time_since_epoch();
  }

  /// Calls `callback` once `delay` has passed. (loop.call_later)
  TimerHandle call_later(Seconds delay, Callback callback) {
    return call_at(time() + delay, std::move(callback));
  }

  /// Calls `callback` once time() is `when`; those due at the same time in the
  /// order in which they were asked for. (loop.call_at)
  TimerHandle call_at(Seconds when, Callback callback) {
    check_open();
    if (std::isnan(when.count())) {
      throw std::invalid_argument("the time of a timer is not a number");
    }
    TimerHandle handle;
    handle.timer_ = std::make_shared<TimerHandle::Timer>(
        TimerHandle::Timer{when, std::move(callback), this});
    scheduled_.push_back(Scheduled{when, sequence_++, handle.timer_});
    std::push_heap(scheduled_.begin(), scheduled_.end());
    trace::instant("timer set", "when", when);
    return handle;
  }

  /// For tests: time stands still while anybody can go on, and then jumps to
  /// the next timer. A wait that would never end throws std::logic_error.
  void use_virtual_clock() { virtual_time_ = Seconds(0); }

  /// Lets that much time pass at once. Throws std::logic_error if the clock is
  /// not a virtual one.
  void advance(Seconds delay) {
    if (!virtual_time_) {
      throw std::logic_error("only a virtual clock can be advanced");
    }
    *virtual_time_ += delay;
  }

  // ---- Descriptors ----

  /// Calls a copy of `callback` whenever `fd` can be read, until it is removed
  /// or replaced. Throws std::invalid_argument. (loop.add_reader)
  void add_reader(int fd, Callback callback) {
    add_watcher(fd, EVENT_READ, std::move(callback));
  }

  /// Returns false if there was none. (loop.remove_reader)
  bool remove_reader(int fd) { return remove_watcher(fd, EVENT_READ); }

  /// As add_reader, for writing. (loop.add_writer)
  void add_writer(int fd, Callback callback) {
    add_watcher(fd, EVENT_WRITE, std::move(callback));
  }

  /// Returns false if there was none. (loop.remove_writer)
  bool remove_writer(int fd) { return remove_watcher(fd, EVENT_WRITE); }

  /// As add_reader or add_writer: `event` is EVENT_READ or EVENT_WRITE.
  void add_watcher(int fd, int event, Callback callback) {
    check_open();
    // Before the selector knows: without memory there is nothing to take back.
    Watcher& watcher = watcher_of(fd, event);
    forgotten_[fd];
    watch(fd, events(fd) | event);
    watcher.call.cancel();
    watcher.number = ++registrations_;
    // The old one dies last: what it owns may call the loop again.
    std::swap(watcher.callback, callback);
  }

  /// Returns false if there was none.
  bool remove_watcher(int fd, int event) {
    if ((events(fd) & event) == 0) {
      return false;
    }
    watch(fd, events(fd) & ~event);
    Watcher& watcher = watcher_of(fd, event);
    watcher.call.cancel();
    // Dies last: what it owns may call the loop again.
    const Callback removed = std::exchange(watcher.callback, nullptr);
    return true;
  }

  /// Tells one registration from another on the same descriptor.
  std::uint64_t registration(int fd, int event) {
    return is_watched(fd, event) ? watcher_of(fd, event).number : 0;
  }

  /// How often a descriptor of that number was closed: it may be another one
  /// by now.
  unsigned times_forgotten(int fd) const {
    const auto known = forgotten_.find(fd);
    return known == forgotten_.end() ? 0 : known->second;
  }

  /// Whether somebody waits for `event` on `fd`.
  bool is_watched(int fd, int event) const {
    return (events(fd) & event) != 0;
  }

  /// Promises that forget(fd) comes before `fd` is closed.
  void expect_forget(int fd) {
    forgotten_[fd];
    selector_->expect_forget(fd);
  }

  /// To be called before `fd` is closed: nobody hears of it any more.
  void forget(int fd) {
    remove_reader(fd);
    remove_writer(fd);
    selector_->forget(fd);
    const auto known = forgotten_.find(fd);
    if (known != forgotten_.end()) {
      ++known->second;
    }
  }

  // ---- Signals ----

  /// Calls `callback` in the loop whenever the process gets that signal;
  /// `flags` are sigaction's. Throws std::invalid_argument if there is no such
  /// signal, std::runtime_error if it cannot be caught or another loop has it.
  /// (loop.add_signal_handler)
  void add_signal_handler(int number, Callback callback, int flags = 0) {
    check_open();
    auto& handler = signal_handlers_[number];
    try {
      handler.install(number, *mailbox_, flags);
    } catch (...) {
      remove_signal_handler(number);
      throw;
    }
    // The old one dies last: what it owns may call the loop again.
    std::swap(handler.callback, callback);
  }

  /// Brings back what the process did before. Returns false if there was none.
  /// (loop.remove_signal_handler)
  bool remove_signal_handler(int number) {
    // Dies last: what it owns may call the loop again.
    const auto removed = signal_handlers_.extract(number);
    return !removed.empty();
  }

  bool has_signal_handler(int number) const {
    return signal_handlers_.count(number) > 0;
  }

  // ---- Threads ----

  /// The pool for calls that block; it is made when first asked for. Throws
  /// std::runtime_error after end_default_executor().
  concurrent::ThreadPoolExecutor& default_executor() {
    check_open();
    if (executor_shutdown_called_) {
      throw std::runtime_error("Executor shutdown has been called");
    }
    if (!default_executor_) {
      default_executor_ = std::make_shared<concurrent::ThreadPoolExecutor>();
    }
    return *default_executor_;
  }

  /// (loop.set_default_executor)
  void set_default_executor(
      std::shared_ptr<concurrent::ThreadPoolExecutor> executor
  ) {
    // Its destructor waits for its threads: not here, in the loop.
    if (default_executor_) {
      replaced_executors_.push_back(default_executor_);
    }
    default_executor_ = std::move(executor);
  }

  /// Refuses it from now on. Returns what there was of it, to be shut down.
  std::shared_ptr<concurrent::ThreadPoolExecutor> end_default_executor() {
    executor_shutdown_called_ = true;
    return default_executor_;
  }

  // ---- Rounds ----

  /// One round: waits until somebody can go on, then calls all who can.
  /// (BaseEventLoop._run_once)
  void run_once() {
    const Running running(*this);
    const trace::Round round;
    drop_cancelled_timers();
    take_calls();
    std::optional<Seconds> timeout;
    if (!ready_.empty() || stopping_) {
      timeout = Seconds(0);
    } else if (!scheduled_.empty()) {
      timeout = std::max(Seconds(0), scheduled_.front().when - time());
    }
    if (must_ask(timeout)) {
      process_events(wait(timeout));
    }
    if (!scheduled_.empty()) {
      queue_due_timers();
    }
    run_ready();
  }

  /// Runs until stop(). (loop.run_forever)
  void run_forever() {
    const Stopping stopping(*this);
    do {
      run_once();
    } while (!stopping_);
  }

  /// Runs until all work is done, or until stop().
  void run_until_idle() {
    const Stopping stopping(*this);
    while (!stopping_ && !idle()) {
      run_once();
    }
  }

  /// Runs until `future` is done. Returns its result or throws its exception;
  /// throws std::runtime_error if stop() came first. (loop.run_until_complete)
  template <class Awaitable>
  auto run_until_complete(Awaitable awaitable) {
    { const Running possible(*this); }
    const auto future = ensure_future(std::move(awaitable), *this, false);
    {
      const StopsWhenDone stops(*this, future);
      run_forever();
    }
    if (!future.done()) {
      throw std::runtime_error("event loop stopped before Future completed");
    }
    return future.result();
  }

  /// Ends run_forever after the current round. (loop.stop)
  void stop() { stopping_ = true; }

  /// Whether one of its rounds is under way. (loop.is_running)
  bool is_running() const { return running_ == this; }

  /// The loop whose round is under way in this thread, or nullptr.
  static EventLoop* running() { return running_; }

  /// A future whose callbacks this loop will run. (loop.create_future)
  template <class T = void>
  Future<T> create_future() {
    return Future<T>(*this);
  }

  // ---- Unfinished work ----

  /// Holds the loop's address, or nullptr once that is gone: for those that
  /// may live longer.
  const std::shared_ptr<EventLoop*>& lifeline() const { return lifeline_; }

  /// Keeps `work` alive until it is disowned or the loop closes. Throws
  /// std::logic_error if it is closed.
  void own(std::shared_ptr<Work> work) {
    check_open();
    work->place_ = unfinished_.size();
    unfinished_.push_back(std::move(work));
  }

  /// What the loop holds of it: nothing once it is disowned.
  template <class SomeWork>
  std::shared_ptr<SomeWork> owned(SomeWork& work) const {
    const bool is_owned = work.place_ < unfinished_.size() &&
                          unfinished_[work.place_].get() == &work;
    return is_owned ? std::shared_ptr<SomeWork>(unfinished_[work.place_], &work)
                    : nullptr;
  }

  /// All that is unfinished.
  const std::vector<std::shared_ptr<Work>>& unfinished() const {
    return unfinished_;
  }

  /// Returns what the loop held; it dies with that unless somebody keeps it.
  std::shared_ptr<Work> disown(Work& work) {
    std::shared_ptr<Work> owned = std::move(unfinished_[work.place_]);
    ++gaps_;
    if (gaps_ > unfinished_.size() / 2) {
      close_gaps();
    }
    return owned;
  }

  /// The asynchronous generators that have begun and may have to be closed, the
  /// oldest first. (BaseEventLoop._asyncgens)
  std::map<std::uint64_t, std::weak_ptr<AsyncGeneratorBase>>& asyncgens() {
    return asyncgens_;
  }

  // ---- The end ----

  /// Drops everything that is still to be called. Throws std::logic_error
  /// inside of a round. (loop.close)
  void close() {
    if (is_running()) {
      throw std::logic_error("cannot close a running event loop");
    }
    if (closed_) {
      return;
    }
    closed_ = true;
    mailbox_->close();
    const Closing closing(*this, true);
    mailbox_->take(ready_);
    // One by one, until nothing is left: what a callback owns may ask the loop
    // for more as it is destroyed.
    while (!is_empty()) {
      while (!unfinished_.empty()) {
        abandon_newest();
      }
      while (!selector_->get_map().empty()) {
        forget(selector_->get_map().begin()->first);
      }
      while (!ready_.empty()) {
        const Callback dropped = std::move(ready_.front());
        ready_.pop_front();
        ++begun_;
      }
      while (!due_.empty()) {
        const auto timer = std::move(due_.front());
        due_.pop_front();
        timer->drop();
      }
      while (!scheduled_.empty()) {
        pop_timer()->drop();
      }
      while (!signal_handlers_.empty()) {
        remove_signal_handler(signal_handlers_.begin()->first);
      }
    }
    selector_->close();
    if (const auto executor = end_default_executor()) {
      executor->shutdown(false);
    }
  }

  /// (loop.is_closed)
  bool is_closed() const { return closed_; }

  // ---- Errors ----

  /// Tells of an error that nobody else can be told of: on stderr, unless
  /// there is a handler. (loop.call_exception_handler)
  void call_exception_handler(
      const std::string& message,
      std::exception_ptr exception
  ) {
    // What a handler asks of a loop that closes is refused: it might be called
    // again because of that, and so on for ever.
    const Closing closing(*this, false);
    if (!call_custom_handler(message, exception)) {
      default_exception_handler(message.c_str(), exception);
    }
  }

  /// The same for those that must not throw.
  void report(
      const char* message,
      const std::exception_ptr& exception
  ) noexcept {
    try {
      call_exception_handler(message, exception);
    } catch (...) {
      default_exception_handler(message, exception);
    }
  }

  /// Says it on stderr; without memory only the message.
  /// (loop.default_exception_handler)
  static void default_exception_handler(
      const char* message,
      const std::exception_ptr& exception
  ) noexcept {
    try {
      std::string text = message;
      if (exception) {
        text += ": " + describe(exception);
      }
      text += "\n";
      std::fputs(text.c_str(), stderr);
    } catch (...) {
      std::fprintf(stderr, "%s\n", message);
    }
  }

  /// Replaces stderr, or with nullptr brings it back.
  /// (loop.set_exception_handler)
  void set_exception_handler(ExceptionHandler handler) {
    // The old one dies last: what it owns may report as it is destroyed.
    std::swap(exception_handler_, handler);
  }

 private:
  friend class Handle;
  friend class TimerHandle;

  /// What to call when an event happens on a descriptor, and the call if it is
  /// already queued.
  struct Watcher {
    Callback callback;
    Handle call;
    std::uint64_t number = 0;
  };

  /// An entry of the timer heap.
  struct Scheduled {
    Seconds when;
    std::uint64_t sequence;
    std::shared_ptr<TimerHandle::Timer> timer;

    /// The standard library's heaps have the greatest in front.
    bool operator<(const Scheduled& other) const {
      return when != other.when ? when > other.when
                                : sequence > other.sequence;
    }
  };

  /// Marks the loop whose round is under way in this thread.
  class Running {
   public:
    explicit Running(EventLoop& loop) {
      if (running_) {
        throw std::logic_error("an event loop is already running");
      }
      if (loop.closed_) {
        throw std::logic_error("the event loop is closed");
      }
      running_ = &loop;
    }
    ~Running() { running_ = nullptr; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
  };

  /// Whether the loop is closing, until this ends, in whatever way.
  class Closing {
   public:
    Closing(EventLoop& loop, bool closing)
        : loop_(loop), before_(std::exchange(loop.closing_, closing)) {}
    ~Closing() { loop_.closing_ = before_; }
    Closing(const Closing&) = delete;
    Closing& operator=(const Closing&) = delete;

   private:
    EventLoop& loop_;
    bool before_;
  };

  /// However a run ends, the next one is not to end because of this one's
  /// stop().
  class Stopping {
   public:
    explicit Stopping(EventLoop& loop) : loop_(loop) {
      // A run that is refused leaves the stop() of the one that is under way.
      const Running possible(loop);
    }
    ~Stopping() { loop_.stopping_ = loop_.answered_ = false; }
    Stopping(const Stopping&) = delete;
    Stopping& operator=(const Stopping&) = delete;

   private:
    EventLoop& loop_;
  };

  /// Ends a run once `future` is done, but no later run.
  /// (base_events._run_until_complete_cb)
  template <class AFuture>
  class StopsWhenDone {
   public:
    StopsWhenDone(EventLoop& loop, const AFuture& future) : future_(future) {
      id_ = future.add_done_callback([&loop](const AFuture& done) {
        // That has ended the run already, and is not to end the next one.
        if (done.cancelled() ||
            !is_instance<KeyboardInterrupt>(done.exception())) {
          loop.stop();
        }
      });
    }
    StopsWhenDone(const StopsWhenDone&) = delete;
    StopsWhenDone& operator=(const StopsWhenDone&) = delete;
    ~StopsWhenDone() {
      future_.remove_done_callback(id_);
      if (!future_.base().log_destroy_pending) {
        future_.base().failure();
      }
    }

   private:
    AFuture future_;
    std::uint64_t id_ = 0;
  };

  // ---- What the public functions share ----

  // (BaseEventLoop._check_closed)
  void check_open() const {
    // While it closes, destructors may ask for calls, which are dropped.
    if (closed_ && !closing_) {
      throw std::logic_error("the event loop is closed");
    }
  }

  bool is_empty() const {
    return selector_->get_map().empty()
        && unfinished_.empty()
        && scheduled_.empty()
        && ready_.empty();
  }

  // What is newer may refer to what is older, so it goes first.
  void abandon_newest() {
    const std::shared_ptr<Work> newest = std::move(unfinished_.back());
    unfinished_.pop_back();
    if (newest) {
      newest->abandon();
    } else {
      --gaps_;
    }
  }

  // Those that are left keep their order.
  void close_gaps() {
    std::erase(unfinished_, nullptr);
    for (std::size_t place = 0; place < unfinished_.size(); ++place) {
      unfinished_[place]->place_ = place;
    }
    gaps_ = 0;
  }

  bool call_custom_handler(
      const std::string& message,
      std::exception_ptr exception
  ) {
    try {
      // A copy: the handler may replace itself.
      const ExceptionHandler handler = exception_handler_;
      if (handler) {
        handler(message, exception);
        return true;
      }
    } catch (...) {
      default_exception_handler("Unhandled error in exception handler",
                                std::current_exception());
    }
    return false;
  }

  Watcher& watcher_of(int fd, int event) {
    return watchers_[event == EVENT_WRITE][fd];
  }

  int events(int fd) const {
    const auto key = selector_->get_map().find(fd);
    return key == selector_->get_map().end() ? 0 : key->second.events;
  }

  void watch(int fd, int wanted) {
    const int before = events(fd);
    if (before == 0) {
      selector_->register_(fd, wanted);
    } else if (wanted == 0) {
      selector_->unregister(fd);
    } else if (wanted != before) {
      selector_->modify(fd, wanted);
    }
  }

  // ---- The steps of a round ----

  // A poll that can have no answer would only cost its system call. Right
  // behind an answer it can wait until whatever that has woken has run.
  bool must_ask(std::optional<Seconds> timeout) {
    const bool answered = std::exchange(answered_, false);
    // The mailbox's pipe is always there, and need not be asked for.
    return timeout != Seconds(0) || mailbox_->take_signalled() ||
           !(answered || selector_->get_map().size() == 1);
  }

  BaseSelector::Ready wait(std::optional<Seconds> timeout) {
    trace::Wait span(timeout);
    auto ready = selector_->select(virtual_time_ ? Seconds(0) : timeout);
    if (virtual_time_ && ready.empty()) {
      jump(timeout);
    }
    span.add("ready", ready.size());
    answered_ = !ready.empty();
    return ready;
  }

  void jump(std::optional<Seconds> timeout) {
    if (!timeout) {
      throw std::logic_error("nothing left to wait for");
    }
    advance(*timeout);
  }

  // Without a system call. If there is a byte, it stays in the pipe until the
  // next wait, and nobody writes another.
  void take_calls() {
    if (mailbox_->has_calls()) {
      mailbox_->take(ready_);
    }
  }

  // Woken by a thread, whose call is queued already, or by a signal.
  // (unix_events._process_self_data)
  void read_from_self() {
    const std::string signals = mailbox_->read();
    // First: a signal's callback may end the run.
    take_calls();
    for (std::size_t i = 0; i < signals.size(); ++i) {
      try {
        handle_signal(signals[i]);
      } catch (...) {
        // It ends the run: the others are for the next one.
        std::for_each(signals.begin() + i + 1, signals.end(),
                      [this](int number) { mailbox_->post_signal(number); });
        throw;
      }
    }
  }

  // (BaseUnixEventLoop._handle_signal)
  void handle_signal(int number) {
    const auto handler = signal_handlers_.find(number);
    if (handler != signal_handlers_.end()) {
      // A copy: it may remove itself.
      run(Callback(handler->second.callback));
    }
  }

  // Only queues calls: whoever is called first might remove the others.
  // (BaseSelectorEventLoop._process_events)
  void process_events(const BaseSelector::Ready& ready) {
    for (const auto& [key, events] : ready) {
      trace::instant("ready", "fd", key.fd, "events", events);
      for (const int event : {EVENT_READ, EVENT_WRITE}) {
        if (events & key.events & event) {
          Watcher& watcher = watcher_of(key.fd, event);
          // Still queued, if an exception broke the last round off.
          watcher.call.cancel();
          watcher.call = call_soon(watcher.callback);
        }
      }
    }
  }

  // A cancelled timer stays in the heap until it comes to the front, or until
  // such timers are the larger part of a large heap.
  void drop_cancelled_timers() {
    constexpr std::size_t few = 100;
    if (scheduled_.size() > few && cancelled_ > scheduled_.size() / 2) {
      std::erase_if(scheduled_, [](const Scheduled& scheduled) {
        return scheduled.timer->cancelled;
      });
      std::make_heap(scheduled_.begin(), scheduled_.end());
      cancelled_ = 0;
    }
    while (!scheduled_.empty() && scheduled_.front().timer->cancelled) {
      pop_timer();
      --cancelled_;
    }
  }

  // The clock is read here and not before the wait: that took time.
  void queue_due_timers() {
    const Seconds now = time();
    while (!scheduled_.empty() && scheduled_.front().when <= now) {
      auto timer = scheduled_.front().timer;
      if (timer->cancelled) {
        --cancelled_;
      } else {
        trace::instant("timer fired", "when", timer->when);
        call_soon([this] { run_due_timer(); });
        due_.push_back(std::move(timer));
      }
      // Last: without memory it stays in the heap.
      pop_timer();
    }
  }

  // Without memory there may be a call too many.
  void run_due_timer() {
    if (!due_.empty()) {
      const auto timer = std::move(due_.front());
      due_.pop_front();
      timer->run();
    }
  }

  std::shared_ptr<TimerHandle::Timer> pop_timer() {
    std::pop_heap(scheduled_.begin(), scheduled_.end());
    auto timer = std::move(scheduled_.back().timer);
    scheduled_.pop_back();
    timer->loop = nullptr;
    return timer;
  }

  // Those that are queued now, and no others: whoever asks to be called again
  // and again must not keep the loop from looking at the descriptors.
  void run_ready() {
    for (std::size_t left = ready_.size(); left > 0; --left) {
      const Callback callback = std::move(ready_.front());
      ready_.pop_front();
      ++begun_;
      if (callback) {
        run(callback);
      }
    }
  }

  // A callback that throws must not end the loop for all others.
  // (events.Handle._run)
  void run(const Callback& callback) {
    const trace::Span span("handle", "number", begun_ - 1);
    try {
      callback();
    } catch (const KeyboardInterrupt&) {
      throw;
    } catch (...) {
      call_exception_handler("Exception in callback", std::current_exception());
    }
  }

  bool idle() const {
    return unfinished_.size() == gaps_
        && scheduled_.size() == cancelled_
        && !mailbox_->has_calls()
        && ready_.empty();
  }

  // ---- State ----

  static inline thread_local EventLoop* running_ = nullptr;

  std::unique_ptr<BaseSelector> selector_;
  /// Those for reading and those for writing, by descriptor.
  std::unordered_map<int, Watcher> watchers_[2];
  RingBuffer<Callback> ready_;
  /// How many calls have left the queue since the loop began.
  std::size_t begun_ = 0;
  bool stopping_ = false;
  /// Whether the last round's wait found a descriptor ready.
  bool answered_ = false;
  bool closed_ = false;
  bool closing_ = false;
  std::vector<Scheduled> scheduled_;
  std::uint64_t sequence_ = 0;
  /// How many of the scheduled ones are cancelled.
  std::size_t cancelled_ = 0;
  /// Those that have left the heap: a call is queued for each.
  RingBuffer<std::shared_ptr<TimerHandle::Timer>> due_;
  std::optional<Seconds> virtual_time_;
  ExceptionHandler exception_handler_;
  /// The oldest first, with a gap where one was disowned.
  std::vector<std::shared_ptr<Work>> unfinished_;
  std::size_t gaps_ = 0;
  std::shared_ptr<EventLoop*> lifeline_ = std::make_shared<EventLoop*>(this);
  std::uint64_t registrations_ = 0;
  /// By descriptor, as far as any was watched.
  std::unordered_map<int, unsigned> forgotten_;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
  std::unordered_map<int, SignalHandler> signal_handlers_;
  bool executor_shutdown_called_ = false;
  std::shared_ptr<concurrent::ThreadPoolExecutor> default_executor_;
  /// Die with the loop.
  std::vector<std::shared_ptr<concurrent::ThreadPoolExecutor>>
      replaced_executors_;
  std::map<std::uint64_t, std::weak_ptr<AsyncGeneratorBase>> asyncgens_;
};

inline void Handle::cancel() {
  const std::size_t number = std::exchange(number_, no_number);
  if (loop_ && number != no_number && number >= loop_->begun_) {
    // Dies last: what it owns may call the loop again.
    const auto cancelled =
        std::exchange(loop_->ready_[number - loop_->begun_], nullptr);
  }
}

inline void TimerHandle::cancel() {
  // A copy: the callback may own this handle.
  const auto timer = timer_;
  if (!timer || timer->cancelled) {
    return;
  }
  timer->cancelled = true;
  if (timer->loop) {
    ++timer->loop->cancelled_;
    trace::instant("timer cancelled", "when", timer->when);
  }
  // Last: what the callback owns may call the loop again.
  timer->drop();
}

/// The loop that this code runs in. Throws std::logic_error outside of one.
/// (asyncio.get_running_loop)
inline EventLoop& get_running_loop() {
  if (!EventLoop::running()) {
    throw std::logic_error("no running event loop");
  }
  return *EventLoop::running();
}

}  // namespace asyncio
