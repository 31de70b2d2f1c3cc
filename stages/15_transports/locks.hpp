// Locks, events and their kin, for what has to hold over an await. Each is a
// flag or a number, and a line of coroutines that wait.
// (CPython: Lib/asyncio/locks.py and mixins.py)
#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <list>
#include <memory>
#include <stdexcept>
#include <utility>

#include "coroutines.hpp"

namespace asyncio {

// ---- Waiting in line ----

class Turn;

/// Is shared by an object and its waiting coroutines, which may outlive it.
struct Line {
  /// In the order in which they came.
  std::list<Turn*> turns;
  /// All turns before this one have been woken or cancelled.
  std::list<Turn*>::iterator next = turns.end();
  /// nullptr until the object is destroyed, then the text of the error.
  const char* destroyed = nullptr;
};

/// A place in a line: a future that is done when the turn has come. It lies in
/// the frame of the coroutine that waits, and leaves the line when destroyed.
class Turn : public FutureState<void> {
 public:
  /// wake() will set `*woken`.
  Turn(EventLoop& loop, std::shared_ptr<Line> line, bool* woken)
      : FutureState<void>(loop), line_(std::move(line)), woken_(woken) {
    place_ = line_->turns.insert(line_->turns.end(), this);
    if (line_->next == line_->turns.end()) {
      line_->next = place_;
    }
  }
  ~Turn() override {
    if (line_->next == place_) {
      ++line_->next;
    }
    line_->turns.erase(place_);
  }

  void wake() {
    if (!done()) {
      *woken_ = true;
      set_result(None);
    }
  }

 private:
  std::shared_ptr<Line> line_;
  bool* woken_;
  std::list<Turn*>::iterator place_;
};

/// An object's line of waiting coroutines. (CPython: its deque of futures)
class Waiters {
 public:
  /// `epitaph` is the text of the error if the object is destroyed.
  explicit Waiters(const char* epitaph) : epitaph_(epitaph) {}
  Waiters(const Waiters&) = delete;
  Waiters& operator=(const Waiters&) = delete;
  ~Waiters() {
    if (!line_->destroyed) {
      line_->destroyed = epitaph_;
    }
    wake_all();
  }

  /// For async_with.
  std::shared_ptr<const char*> destroyed() const {
    return std::shared_ptr<const char*>(line_, &line_->destroyed);
  }

  /// Waits until woken. If the wait ends with an exception, it calls
  /// `hand_on(woken)`, which has to wake the next coroutine where this one was
  /// woken for nothing.
  template <class HandOn>
  Coroutine<> wait(HandOn hand_on) {
    const auto line = line_;
    bool woken = false;
    try {
      Turn turn(get_loop(), line, &woken);
      co_await turn;
    } catch (...) {
      // The turn has left the line.
      if (!line->destroyed) {
        hand_on(woken);
      }
      throw;
    }
    if (line->destroyed) {
      throw std::logic_error(line->destroyed);
    }
  }

  /// The same for lines that are woken as a whole: there is nothing to hand on.
  Coroutine<> wait() {
    return wait([](bool) {});
  }

  std::size_t size() const { return line_->turns.size(); }

  /// Whether a turn in the line is not cancelled.
  bool any() const {
    return !std::ranges::all_of(line_->turns, &Turn::cancelled);
  }

  /// Wakes the first turn, unless it is woken or cancelled already.
  void wake_first() {
    if (size() > 0) {
      line_->turns.front()->wake();
    }
  }

  /// Wakes the first turn that is neither woken nor cancelled. Returns false if
  /// there is none.
  bool wake_next() {
    while (line_->next != line_->turns.end()) {
      Turn& turn = **line_->next++;
      if (!turn.done()) {
        turn.wake();
        return true;
      }
    }
    return false;
  }

  void wake_all() {
    for (Turn* const turn : line_->turns) {
      turn->wake();
    }
  }

 private:
  /// The running loop. Throws std::logic_error if the first wait was in another
  /// one. (mixins._LoopBoundMixin._get_loop)
  EventLoop& get_loop() {
    EventLoop& loop = get_running_loop();
    if (!loop_) {
      loop_ = loop.lifeline();
    }
    if (loop_ != loop.lifeline()) {
      throw std::logic_error("it is bound to a different event loop");
    }
    return loop;
  }

  const char* epitaph_;
  std::shared_ptr<EventLoop*> loop_;
  std::shared_ptr<Line> line_ = std::make_shared<Line>();
};

// ---- Holding something ----

class Guard;

/// An object that is acquired and released: by hand, by async_with(), or by a
/// guard.
/// (locks._ContextManagerMixin)
class Acquirable {
 public:
  explicit Acquirable(const char* epitaph) : waiters_(epitaph) {}
  virtual ~Acquirable() = default;

  /// Waits until it is free, and takes it. Returns true.
  virtual Coroutine<bool> acquire() = 0;

  virtual void release() = 0;

  /// After `const auto guard = co_await lock.scoped();` it is released at the
  /// end of the block.
  Coroutine<Guard> scoped();

  /// For async_with. aexit() does not wait, so it needs no frame, for which
  /// there might be no memory.
  Coroutine<bool> aenter() { return acquire(); }
  std::suspend_never aexit(std::exception_ptr) {
    release();
    return {};
  }
  auto destroyed() const { return waiters_.destroyed(); }

 protected:
  Waiters waiters_;
};

/// Releases in its destructor, since a release does not wait. Its constructor
/// cannot acquire, since a constructor cannot co_await.
class [[nodiscard]] Guard {
 public:
  explicit Guard(Acquirable& acquired)
      : acquired_(&acquired), destroyed_(acquired.destroyed()) {}
  Guard(Guard&&) = default;
  ~Guard() {
    try {
      if (destroyed_ && !*destroyed_) {
        acquired_->release();
      }
    } catch (...) {
      EventLoop::default_exception_handler("Exception ignored in ~Guard",
                                           std::current_exception());
    }
  }

 private:
  Acquirable* acquired_;
  /// Is empty once the guard is moved from.
  std::shared_ptr<const char*> destroyed_;
};

inline Coroutine<Guard> Acquirable::scoped() {
  co_await acquire();
  co_return Guard(*this);
}

/// One task at a time has it, in the order in which they came. (asyncio.Lock)
class Lock : public Acquirable {
 public:
  Lock() : Acquirable("Lock was destroyed") {}

  /// (Lock.locked)
  bool locked() const { return held_ > 0; }

  /// Waits until it is free, and takes it. (Lock.acquire)
  Coroutine<bool> acquire() override {
    // A task that was woken and has not run yet comes first.
    if (!locked() && !waiters_.any()) {
      ++held_;
      co_return true;
    }
    const auto hand_on = [this](bool) {
      if (!locked()) {
        waiters_.wake_first();
      }
    };
    co_await waiters_.wait(hand_on);
    ++held_;
    co_return true;
  }

  /// Throws std::logic_error if it is free. (Lock.release)
  void release() override {
    if (!locked()) {
      throw std::logic_error("Lock is not acquired.");
    }
    if (--held_ == 0) {
      waiters_.wake_first();
    }
  }

 private:
  friend class Condition;

  /// More than 1 while a frame is destroyed that has to release it, and cannot
  /// wait for it.
  int held_ = 0;
};

// ---- Waiting for something to happen ----

/// A flag that many tasks can wait for. (asyncio.Event)
class Event {
 public:
  /// (Event.is_set)
  bool is_set() const { return value_; }

  /// Sets the flag and wakes all tasks that wait. (Event.set)
  void set() {
    if (!std::exchange(value_, true)) {
      waiters_.wake_all();
    }
  }

  /// From now on wait() waits again. (Event.clear)
  void clear() { value_ = false; }

  /// Waits until the flag is set, which may be cleared again by the time that
  /// the caller goes on. Returns true. (Event.wait)
  Coroutine<bool> wait() {
    if (!value_) {
      co_await waiters_.wait();
    }
    co_return true;
  }

 private:
  Waiters waiters_{"Event was destroyed"};
  bool value_ = false;
};

/// A lock whose holder can wait, without it, until another holder notifies it
/// that something has changed. (asyncio.Condition)
class Condition : public Acquirable {
 public:
  Condition() : Acquirable("Condition was destroyed"), lock_(&own_) {}

  /// Several conditions may share a lock.
  explicit Condition(Lock& lock)
      : Acquirable("Condition was destroyed"), lock_(&lock) {}
  ~Condition() override { *own_.destroyed() = "Condition was destroyed"; }

  /// (Condition.locked)
  bool locked() const { return lock().locked(); }

  /// (Condition.acquire)
  Coroutine<bool> acquire() override { return lock().acquire(); }

  /// (Condition.release)
  void release() override { lock().release(); }

  /// Releases the lock, waits for a notification, and acquires the lock again,
  /// even if it is cancelled. Returns true. Throws std::logic_error if the lock
  /// is free. (Condition.wait)
  Coroutine<bool> wait() {
    if (!locked()) {
      throw std::logic_error("cannot wait on un-acquired lock");
    }
    Lock& lock = *lock_;
    const auto lock_destroyed = lock_destroyed_;
    const auto destroyed = this->destroyed();
    lock.release();
    bool notified = false;
    const auto hand_on = [&notified](bool woken) { notified = woken; };
    std::exception_ptr error;
    try {
      co_await waiters_.wait(hand_on);
      notified = true;
    } catch (...) {
      error = std::current_exception();
    }
    bool held = false;
    while (!held && !*lock_destroyed && !is_instance<GeneratorExit>(error)) {
      try {
        held = co_await lock.acquire();
      } catch (const CancelledError&) {
        error = std::make_exception_ptr(CancelledError());
      } catch (...) {
        error = std::current_exception();
        break;
      }
    }
    // The caller is going to release a lock for which it could not wait.
    if (!held && !*lock_destroyed) {
      ++lock.held_;
    }
    if (error && notified && !*destroyed) {
      waiters_.wake_next();
    }
    if (error) {
      std::rethrow_exception(error);
    }
    // While it waited for the lock.
    if (*destroyed) {
      throw std::logic_error(*destroyed);
    }
    co_return true;
  }

  /// Waits until `predicate()` is true, and returns its value.
  /// (Condition.wait_for)
  template <class Predicate>
  auto wait_for(Predicate predicate) -> Coroutine<decltype(predicate())> {
    auto result = predicate();
    while (!result) {
      co_await wait();
      result = predicate();
    }
    co_return result;
  }

  /// Wakes up to `n` of the waiting tasks. Throws std::logic_error if the lock
  /// is free. (Condition.notify)
  void notify(std::size_t n = 1) {
    if (!locked()) {
      throw std::logic_error("cannot notify on un-acquired lock");
    }
    while (n > 0 && waiters_.wake_next()) {
      --n;
    }
  }

  /// (Condition.notify_all)
  void notify_all() { notify(waiters_.size()); }

 private:
  Lock& lock() const {
    if (*lock_destroyed_) {
      throw std::logic_error(*lock_destroyed_);
    }
    return *lock_;
  }

  Lock own_;
  Lock* lock_;
  std::shared_ptr<const char*> lock_destroyed_ = lock_->destroyed();
};

// ---- Counting ----

/// Up to `value` tasks at a time have it. (asyncio.Semaphore)
class Semaphore : public Acquirable {
 public:
  /// Throws std::invalid_argument if `value` is negative.
  explicit Semaphore(int value = 1)
      : Acquirable("Semaphore was destroyed"), value_(value) {
    if (value < 0) {
      throw std::invalid_argument("Semaphore initial value must be >= 0");
    }
  }

  /// Whether acquire() would have to wait. (Semaphore.locked)
  bool locked() const { return value_ == 0 || waiters_.any(); }

  /// Waits until it can be had, and takes it. (Semaphore.acquire)
  Coroutine<bool> acquire() override {
    if (!locked()) {
      --value_;
      co_return true;
    }
    const auto hand_on = [this](bool woken) {
      if (woken) {
        Semaphore::release();
      }
    };
    co_await waiters_.wait(hand_on);
    if (value_ > 0 && waiters_.wake_next()) {
      --value_;
    }
    co_return true;
  }

  /// (Semaphore.release)
  void release() override {
    ++value_;
    // The task that is woken has its share: no other task can take it.
    if (waiters_.wake_next()) {
      --value_;
    }
  }

 protected:
  int value_;
};

/// The same, and refuses one release too many. (asyncio.BoundedSemaphore)
class BoundedSemaphore : public Semaphore {
 public:
  using Semaphore::Semaphore;

  /// Throws std::invalid_argument if it was released more often than acquired.
  /// (BoundedSemaphore.release)
  void release() override {
    if (value_ >= bound_value_) {
      throw std::invalid_argument("BoundedSemaphore released too many times");
    }
    Semaphore::release();
  }

 private:
  const int bound_value_ = value_;
};

/// Tasks wait here for each other, until `parties` have come. (asyncio.Barrier)
class Barrier {
 public:
  /// Throws std::invalid_argument if `parties` is less than 1.
  explicit Barrier(int parties) : parties_(parties) {
    if (parties < 1) {
      throw std::invalid_argument("parties must be > 0");
    }
  }
  ~Barrier() { *condition_.destroyed() = "Barrier was destroyed"; }

  /// Waits until all have come. Returns a number from 0 to parties() - 1, a
  /// different one to each task. Throws BrokenBarrierError if it is reset or
  /// aborted meanwhile. (Barrier.wait)
  Coroutine<int> wait() {
    const auto destroyed = condition_.destroyed();
    const Guard guard = co_await condition_.scoped();
    co_await block();
    const int index = count_++;
    const auto is_over = [this] { return state_ != State::filling; };
    std::exception_ptr exception;
    try {
      if (count_ == parties_) {
        state_ = State::draining;
        condition_.notify_all();
      } else {
        co_await condition_.wait_for(is_over);
      }
      if (state_ != State::draining) {
        throw BrokenBarrierError("Abort or reset of barrier");
      }
    } catch (...) {
      exception = std::current_exception();
    }
    if (!*destroyed && --count_ == 0) {
      state_ = broken() ? State::broken : State::filling;
      condition_.notify_all();
    }
    if (exception) {
      std::rethrow_exception(exception);
    }
    co_return index;
  }

  /// Waiting tasks get a BrokenBarrierError; then it is as new. (Barrier.reset)
  Coroutine<> reset() {
    const Guard guard = co_await condition_.scoped();
    state_ = count_ > 0 ? State::resetting : State::filling;
    condition_.notify_all();
  }

  /// Waiting tasks get a BrokenBarrierError, and so do all that come before it
  /// is reset. (Barrier.abort)
  Coroutine<> abort() {
    const Guard guard = co_await condition_.scoped();
    state_ = State::broken;
    condition_.notify_all();
  }

  /// (Barrier.parties)
  int parties() const { return parties_; }

  /// (Barrier.n_waiting)
  int n_waiting() const { return state_ == State::filling ? count_ : 0; }

  /// (Barrier.broken)
  bool broken() const { return state_ == State::broken; }

  /// For async_with.
  Coroutine<int> aenter() { return wait(); }
  static std::suspend_never aexit(std::exception_ptr) { return {}; }

 private:
  enum class State { filling, draining, resetting, broken };

  // Waits until the tasks of the last time have left. (Barrier._block)
  Coroutine<> block() {
    const auto open = [this] { return state_ == State::filling || broken(); };
    co_await condition_.wait_for(open);
    if (broken()) {
      throw BrokenBarrierError("Barrier aborted");
    }
  }

  Condition condition_;
  int parties_;
  int count_ = 0;
  State state_ = State::filling;
};

}  // namespace asyncio
