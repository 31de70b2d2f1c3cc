// What is thrown. (CPython: Lib/asyncio/exceptions.py)
#pragma once

#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace asyncio {

/// What ends an await when that was cancelled. As in Python it is no ordinary
/// exception, so `catch (const std::exception&)` lets it pass.
/// (asyncio.CancelledError)
struct CancelledError {
  explicit CancelledError(std::string text = "") : message(std::move(text)) {}

  std::string message;
};

/// Ctrl-C has ended what was run. As in Python it is no ordinary exception.
struct KeyboardInterrupt {};

/// Calls went too deep, along a ring or a very long chain of those who wait for
/// each other. (RecursionError)
class RecursionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One call within others: throws RecursionError if they are as many as Python
/// allows. (sys.getrecursionlimit)
class Recursion {
 public:
  Recursion() {
    if (depth_ == 1000) {
      throw RecursionError("maximum recursion depth exceeded");
    }
    ++depth_;
  }
  ~Recursion() { --depth_; }
  Recursion(const Recursion&) = delete;
  Recursion& operator=(const Recursion&) = delete;

 private:
  static inline thread_local int depth_ = 0;
};

/// A future was asked for what it does not have, or was given a second result.
/// (asyncio.InvalidStateError)
class InvalidStateError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Time was up. (asyncio.TimeoutError)
class TimeoutError : public std::runtime_error {
 public:
  explicit TimeoutError(const std::string& message = "timed out")
      : std::runtime_error(message) {}
};

/// A barrier was reset or aborted. (asyncio.BrokenBarrierError)
struct BrokenBarrierError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Several exceptions at once. (ExceptionGroup, PEP 654)
class ExceptionGroup : public std::exception {
 public:
  ExceptionGroup(
      std::string message,
      std::vector<std::exception_ptr> exceptions
  )
      : message_(std::move(message)), exceptions_(std::move(exceptions)) {
    const std::size_t count = exceptions_.size();
    if (count == 0) {
      throw std::invalid_argument("a group of no exceptions");
    }
    what_ = message_ + " (" + std::to_string(count) + " sub-exception" +
            (count == 1 ? ")" : "s)");
  }

  /// "unhandled errors in a TaskGroup (2 sub-exceptions)"
  const char* what() const noexcept override { return what_.c_str(); }

  /// (ExceptionGroup.message)
  const std::string& message() const { return message_; }

  /// (ExceptionGroup.exceptions)
  const std::vector<std::exception_ptr>& exceptions() const {
    return exceptions_;
  }

 private:
  std::string message_;
  std::vector<std::exception_ptr> exceptions_;
  std::string what_;
};

}  // namespace asyncio
