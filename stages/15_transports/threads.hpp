// Between threads and the loop: what a thread has computed comes back as a
// future, and what a thread asks for runs as a task.
// (CPython: Lib/asyncio/threads.py; futures.py, tasks.py and base_events.py)
#pragma once

#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/net.hpp"
#include "concurrent_futures.hpp"
#include "tasks.hpp"

namespace asyncio {

// ---- From a thread into the loop ----

/// Waits in the loop for what a thread does. The loop owns it, so that no
/// thread ever destroys a future. (futures._chain_future)
template <class T>
class Arrival : public Work {
 public:
  Arrival(concurrent::Future<T> source, Future<T> destination)
      : source_(std::move(source)), destination_(std::move(destination)) {}

  /// In the loop, once the source is done.
  void arrive(EventLoop& loop) {
    const auto dies_last = loop.disown(*this);
    if (!destination_.done()) {
      copy_state();
    }
  }

  void abandon() override {}

 private:
  // (futures._copy_future_state)
  void copy_state() {
    if (source_.cancelled()) {
      destination_.cancel();
      return;
    }
    try {
      if constexpr (std::is_void_v<T>) {
        source_.result();
        destination_.set_result();
      } else {
        destination_.set_result(source_.result());
      }
    } catch (...) {
      // Its own, or that of a copy: nobody is to wait for ever.
      if (destination_.done()) {
        throw;
      }
      destination_.set_exception(converted(std::current_exception()));
    }
  }

  // (futures._convert_future_exc)
  static std::exception_ptr converted(const std::exception_ptr& exception) {
    return is_instance<concurrent::CancelledError>(exception)
               ? std::make_exception_ptr(CancelledError())
               : exception;
  }

  concurrent::Future<T> source_;
  Future<T> destination_;
};

/// A future of the loop that is done when `source` is. To cancel it cancels
/// `source`, unless its call has begun. (asyncio.wrap_future)
template <class T>
Future<T> wrap_future(
    concurrent::Future<T> source,
    EventLoop& loop = get_running_loop()
) {
  const Future<T> future(loop);
  future.add_done_callback([source](const Future<T>& done) {
    if (done.cancelled()) {
      source.cancel();
    }
  });
  const auto arrival = std::make_shared<Arrival<T>>(source, future);
  loop.own(arrival);
  try {
    source.add_done_callback(
        [&loop, mailbox = loop.mailbox(), &arrival = *arrival](const auto&) {
          // Refused if the loop is closed: then it has let go of that already.
          mailbox->post([&loop, &arrival] { arrival.arrive(loop); });
        });
  } catch (...) {
    loop.disown(*arrival);
    throw;
  }
  return future;
}

// ---- Calls that block ----

/// Lets a thread of `executor` call `function`; the future gets its result.
/// (loop.run_in_executor)
template <class Function, class... Arguments>
auto run_in_executor(
    concurrent::ThreadPoolExecutor& executor,
    Function function,
    Arguments... arguments
) {
  EventLoop& loop = get_running_loop();
  return wrap_future(
      executor.submit(std::move(function), std::move(arguments)...), loop);
}

/// The same with the loop's own executor: `run_in_executor(None, function)`.
template <class Function, class... Arguments>
auto run_in_executor(NoneType, Function function, Arguments... arguments) {
  return run_in_executor(get_running_loop().default_executor(),
                         std::move(function), std::move(arguments)...);
}

/// `co_await to_thread(function, arguments...)`: lets a thread call it, and the
/// others run meanwhile. (asyncio.to_thread)
template <class Function, class... Arguments>
auto to_thread(Function function, Arguments... arguments)
    -> Coroutine<std::invoke_result_t<Function, Arguments...>> {
  const auto future = run_in_executor(None, std::move(function),
                                      std::move(arguments)...);
  co_return co_await future;
}

/// Waits for the calls of the loop's own executor, which takes no more.
/// (loop.shutdown_default_executor)
inline Coroutine<> shutdown_default_executor(
    EventLoop& loop = get_running_loop()
) {
  const auto executor = loop.end_default_executor();
  if (!executor) {
    co_return;
  }
  // It waits, so it needs a thread of its own.
  concurrent::ThreadPoolExecutor waiting(1);
  const auto done = waiting.submit([executor] { executor->shutdown(); });
  co_await wrap_future(done, loop);
}

// ---- Into the loop from another thread ----

/// A coroutine on its way into a loop, and what a thread waits for meanwhile.
template <class T>
struct Departure {
  explicit Departure(Coroutine<T> begun) : coroutine(std::move(begun)) {}
  Departure(const Departure&) = delete;
  Departure& operator=(const Departure&) = delete;
  // Lost with its loop: no thread is to wait for ever.
  ~Departure() {
    { const Coroutine<T> dies_first = std::move(coroutine); }
    future.cancel();
  }

  // (futures._set_concurrent_future_state)
  void set_state(const Task<T>& task) {
    if (task.cancelled()) {
      future.cancel();
    }
    if (!future.set_running_or_notify_cancel()) {
      return;
    }
    try {
      if constexpr (std::is_void_v<T>) {
        task.result();
        future.set_result(None);
      } else {
        future.set_result(task.result());
      }
    } catch (...) {
      // The task's, or that of a copy: no thread is to wait for ever.
      future.set_exception(std::current_exception());
    }
  }

  Coroutine<T> coroutine;
  concurrent::Future<T> future;
};

/// Starts `coroutine` in `loop`, from another thread, which may wait for the
/// future. To cancel that cancels the task. Throws std::logic_error if the loop
/// is closed. (asyncio.run_coroutine_threadsafe)
template <class T>
concurrent::Future<T> run_coroutine_threadsafe(
    Coroutine<T> coroutine,
    EventLoop& loop
) {
  // Shared: a std::function must be able to copy what it captures.
  const auto departure = std::make_shared<Departure<T>>(std::move(coroutine));
  const auto future = departure->future;
  loop.call_soon_threadsafe([departure, &loop] {
    const Task<T> task = create_task(std::move(departure->coroutine), loop);
    task.add_done_callback([departure](const Task<T>& done) {
      departure->set_state(done);
    });
    // Weak: no thread may be the last to let go of a task.
    const std::weak_ptr<FutureBase> weak = task.state();
    departure->future.add_done_callback(
        [weak, mailbox = loop.mailbox()](const auto& done) {
          if (done.cancelled()) {
            mailbox->post([weak] {
              if (const auto left = weak.lock()) {
                left->cancel("");
              }
            });
          }
        });
  });
  return future;
}

// ---- Names ----

/// Looks up the addresses of a host in a thread; the numbers are those of
/// getaddrinfo(3), where 0 means any. Throws std::runtime_error.
/// (loop.getaddrinfo)
inline Coroutine<std::vector<AddressInfo>> getaddrinfo(
    std::string host,
    int port,
    int family = 0,
    int type = 0,
    int proto = 0,
    int flags = 0
) {
  return to_thread(look_up, std::move(host), port, family, type, proto, flags);
}

/// Looks up the name of an address in a thread; the flags are those of
/// getnameinfo(3). Returns host and port. Throws std::runtime_error.
/// (loop.getnameinfo)
inline Coroutine<std::pair<std::string, std::string>> getnameinfo(
    SocketAddress address,
    int flags = 0
) {
  return to_thread(look_up_name, address, flags);
}

}  // namespace asyncio
