// Attempts that begin one after the other, before the earlier ones have failed.
// (CPython: Lib/asyncio/staggered.py)
#pragma once

#include <algorithm>
#include <exception>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "tasks.hpp"

namespace asyncio {

/// Attempts under way: none outlives this.
template <class T>
struct Race {
  Race() = default;
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;
  ~Race() {
    for (const Task<T>& task : running) {
      task.cancel();
    }
  }

  /// Waits until one is done, or `timeout` has passed. Returns the winner, if
  /// there is one.
  Coroutine<std::optional<Task<T>>> wait_for_one(
      std::optional<Seconds> timeout
  ) {
    const auto waited = co_await wait(running, FIRST_COMPLETED, timeout);
    running = waited.pending;
    std::optional<Task<T>> winner;
    for (const Task<T>& task : waited.done) {
      if (!failure(task) && !winner) {
        winner = task;
      }
    }
    co_return winner;
  }

  /// Cancels those under way, and waits until they have ended.
  Coroutine<> finish() {
    for (const Task<T>& task : running) {
      task.cancel();
    }
    while (!running.empty()) {
      co_await wait_for_one(std::nullopt);
    }
  }

  std::vector<Task<T>> begun;
  std::vector<Task<T>> running;
};

/// Begins the next attempt when the last one has failed, or `delay` has passed.
/// Returns the result of the first that succeeds, once the others are cancelled
/// and have ended; nothing if all fail, and then puts into `errors` how, in the
/// order in which they began.
/// (staggered.staggered_race)
template <class T>
Coroutine<std::optional<T>> staggered_race(
    std::vector<std::function<Coroutine<T>()>> attempts,
    Seconds delay,
    std::vector<std::exception_ptr>* errors
) {
  EventLoop& loop = get_running_loop();
  Race<T> race;
  for (auto attempt = attempts.begin(); attempt != attempts.end(); ++attempt) {
    const Task<T> newest = create_task((*attempt)());
    race.begun.push_back(newest);
    race.running.push_back(newest);
    const bool is_last = attempt + 1 == attempts.end();
    const Seconds next = loop.time() + delay;
    while (is_last ? !race.running.empty()
                   : !newest.done() && loop.time() < next) {
      std::optional<Seconds> timeout;
      if (!is_last) {
        timeout = next - loop.time();
      }
      const auto winner = co_await race.wait_for_one(timeout);
      if (winner) {
        co_await race.finish();
        co_return winner->result();
      }
    }
  }
  for (const Task<T>& task : race.begun) {
    errors->push_back(failure(task));
  }
  co_return std::nullopt;
}

}  // namespace asyncio
