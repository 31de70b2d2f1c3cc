// Python's `async with`, for which C++ has no words: a manager that was entered
// is left, however the body ends. (PEP 492)
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "coroutines.hpp"

namespace asyncio {

/// Holds nullptr for as long as the manager is there, then what to say of that.
/// One without a destroyed() has to outlive its scope.
template <class Manager>
std::shared_ptr<const char*> destruction_of(Manager& manager) {
  if constexpr (requires { manager.destroyed(); }) {
    return manager.destroyed();
  } else {
    return std::make_shared<const char*>(nullptr);
  }
}

/// What `async with` is in Python: tells `manager` that `body` begins, runs it,
/// and tells how it has ended, before anybody else hears of that. Gives what
/// the body gives. Throws std::logic_error if a timeout or a group is destroyed
/// before that.
template <class Manager, class T>
Coroutine<T> async_with(Manager& manager, Coroutine<T> body) {
  const auto gone = destruction_of(manager);
  co_await manager.aenter();
  std::optional<Value<T>> result;
  std::exception_ptr exception;
  try {
    if constexpr (std::is_void_v<T>) {
      co_await body;
      result.emplace();
    } else {
      result.emplace(co_await body);
    }
  } catch (...) {
    // GeneratorExit too: then aexit() has to do without waiting.
    exception = std::current_exception();
  }
  if (!*gone) {
    co_await manager.aexit(exception);
  } else if (!exception || is_instance<CancelledError>(exception)) {
    // Who asked for the cancellation, only the manager knew.
    throw std::logic_error(*gone);
  }
  if (exception) {
    std::rethrow_exception(exception);
  }
  co_return static_cast<T>(std::move(*result));
}

/// The same with a manager of its own: `async_with(timeout(1s), body())`.
template <class Manager, class T>
  requires(!std::is_lvalue_reference_v<Manager>)
Coroutine<T> async_with(Manager&& manager, Coroutine<T> body) {
  static_assert(std::is_move_constructible_v<Manager>,
                "a TaskGroup needs a name, by which its body can refer to it");
  return async_with_own(std::move(manager), std::move(body));
}
template <class Manager, class Body>
  requires std::is_invocable_v<Body&>
void async_with(Manager&&, Body) {
  static_assert(!std::is_invocable_v<Body&>,
                "async_with() takes a coroutine: call the body, body()");
}
template <class Manager, class T>
Coroutine<T> async_with_own(Manager manager, Coroutine<T> body) {
  co_return co_await async_with(manager, std::move(body));
}

}  // namespace asyncio
