// Queues: one task puts items in, another one gets them out, and each waits for
// the other where it must. (CPython: Lib/asyncio/queues.py)
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <stdexcept>
#include <utility>

#include "locks.hpp"

namespace asyncio {

/// (asyncio.QueueEmpty)
struct QueueEmpty : std::runtime_error {
  QueueEmpty() : std::runtime_error("the queue is empty") {}
};

/// (asyncio.QueueFull)
struct QueueFull : std::runtime_error {
  QueueFull() : std::runtime_error("the queue is full") {}
};

/// Items on their way from one task to another, first in, first out.
/// (asyncio.Queue)
template <class T>
class Queue {
 public:
  /// Has room for `maxsize` items, or for any number if `maxsize` is below 1.
  explicit Queue(int maxsize = 0) : maxsize_(maxsize) {}
  virtual ~Queue() = default;

  /// (Queue.qsize)
  std::size_t qsize() const { return queue_.size(); }

  /// (Queue.maxsize)
  int maxsize() const { return maxsize_; }

  /// (Queue.empty)
  bool empty() const { return queue_.empty(); }

  /// Is always false without a maxsize. (Queue.full)
  bool full() const {
    return maxsize_ > 0 && qsize() >= static_cast<std::size_t>(maxsize_);
  }

  /// Waits until there is room, and puts the item in. If it is cancelled, the
  /// item is destroyed. (Queue.put)
  Coroutine<> put(T item) {
    const auto hand_on = [this](bool woken) {
      if (woken && !full()) {
        putters_.wake_next();
      }
    };
    while (full()) {
      co_await putters_.wait(hand_on);
    }
    put_nowait(std::move(item));
  }

  /// Throws QueueFull. (Queue.put_nowait)
  void put_nowait(T item) {
    if (full()) {
      throw QueueFull();
    }
    store(std::move(item));
    ++unfinished_tasks_;
    getters_.wake_next();
  }

  /// Waits until there is an item, and takes it out. (Queue.get)
  Coroutine<T> get() {
    const auto hand_on = [this](bool woken) {
      if (woken && !empty()) {
        getters_.wake_next();
      }
    };
    while (empty()) {
      co_await getters_.wait(hand_on);
    }
    co_return get_nowait();
  }

  /// Throws QueueEmpty. (Queue.get_nowait)
  T get_nowait() {
    if (empty()) {
      throw QueueEmpty();
    }
    // First: should that fail, the item is still there.
    putters_.wake_next();
    return take();
  }

  /// Reports that an item that was taken out has been dealt with. Throws
  /// std::invalid_argument if there are more reports than items.
  /// (Queue.task_done)
  void task_done() {
    if (unfinished_tasks_ == 0) {
      throw std::invalid_argument("task_done() called too many times");
    }
    if (--unfinished_tasks_ == 0) {
      joiners_.wake_all();
    }
  }

  /// Waits until all items have been dealt with. (Queue.join)
  Coroutine<> join() {
    if (unfinished_tasks_ > 0) {
      co_await joiners_.wait();
    }
  }

 private:
  int maxsize_;
  std::size_t unfinished_tasks_ = 0;
  Waiters getters_{"Queue was destroyed"};
  Waiters putters_{"Queue was destroyed"};
  Waiters joiners_{"Queue was destroyed"};

 protected:
  // (Queue._put)
  virtual void store(T item) { queue_.push_back(std::move(item)); }

  // (Queue._get)
  virtual T take() {
    T item = std::move(queue_.front());
    queue_.pop_front();
    return item;
  }

  /// Dies first: what an item owns may say task_done().
  std::deque<T> queue_;
};

/// Returns the newest item first. (asyncio.LifoQueue)
template <class T>
class LifoQueue : public Queue<T> {
 public:
  using Queue<T>::Queue;

 protected:
  T take() override {
    T item = std::move(this->queue_.back());
    this->queue_.pop_back();
    return item;
  }
};

/// Returns the smallest item first, and equal ones in any order.
/// (asyncio.PriorityQueue)
template <class T>
class PriorityQueue : public Queue<T> {
 public:
  using Queue<T>::Queue;

 protected:
  // The standard library's heaps have the greatest item in front.
  void store(T item) override {
    this->queue_.push_back(std::move(item));
    std::push_heap(this->queue_.begin(), this->queue_.end(), std::greater<>());
  }

  T take() override {
    std::pop_heap(this->queue_.begin(), this->queue_.end(), std::greater<>());
    T item = std::move(this->queue_.back());
    this->queue_.pop_back();
    return item;
  }
};

}  // namespace asyncio
