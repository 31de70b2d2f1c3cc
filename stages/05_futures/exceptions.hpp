// What is thrown. (CPython: Lib/asyncio/exceptions.py)
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace asyncio {

/// What ends an await when that was cancelled. As in Python it is no ordinary
/// exception, so `catch (const std::exception&)` lets it pass.
/// (asyncio.CancelledError)
struct CancelledError {
  explicit CancelledError(std::string text = "") : message(std::move(text)) {}

  std::string message;
};

/// A future was asked for what it does not have, or was given a second result.
/// (asyncio.InvalidStateError)
class InvalidStateError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace asyncio
