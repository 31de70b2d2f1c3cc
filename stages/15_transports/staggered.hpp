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
  /// there is one; those that have failed leave.
  Coroutine<std::optional<Task<T>>> wait_for_one(
      std::optional<Seconds> timeout
  ) {
    const auto waited = co_await wait(running, FIRST_COMPLETED, timeout);
    running = waited.pending;
    std::optional<Task<T>> winner;
    for (const Task<T>& task : waited.done) {
      const std::exception_ptr error = failure(task);
      if (error) {
        errors.push_back(error);
      } else if (!winner) {
        winner = task;
      }
    }
    co_return winner;
  }

  std::vector<Task<T>> running;
  std::vector<std::exception_ptr> errors;
};

/// Begins the next attempt when the last one has failed, or `delay` has passed.
/// Returns the result of the first that succeeds, and cancels the others;
/// nothing if all fail, and then puts into `errors` how.
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
        co_return winner->result();
      }
    }
  }
  *errors = std::move(race.errors);
  co_return std::nullopt;
}

}  // namespace asyncio
