// Python's `async with`, for which C++ has no words: a manager that was entered
// is left, however the body ends. (PEP 492)
#pragma once

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "coroutines.hpp"

namespace asyncio {

/// What `async with` is in Python: tells `manager` that `body` begins, runs it,
/// and tells how it has ended, before anybody else hears of that. Gives what
/// the body gives. `manager` has to live for as long.
template <class Manager, class T>
Coroutine<T> async_with(Manager& manager, Coroutine<T> body) {
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
  co_await manager.aexit(exception);
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
