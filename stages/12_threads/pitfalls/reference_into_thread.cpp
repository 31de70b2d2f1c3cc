// A coroutine lends its local variable to a thread, by reference, and awaits
// the thread's end: so the variable should live long enough. But the coroutine
// is cancelled, which a thread cannot be. The frame is destroyed, and the
// thread writes to where the variable was.
//
// Cure: give the thread what it needs by value, or a share of it: capture a
// std::shared_ptr, or return the result.
//
// Flags: -fsanitize=address -O0
// Exit: nonzero
// Stderr: AddressSanitizer
// Prints:
//   by value: cancelled
//   by reference: cancelled
#include <cstdio>
#include <memory>
#include <semaphore>
#include <utility>

#include "asyncio.hpp"

using namespace asyncio;

/// The coroutine is cancelled after the call has begun, and before it goes on.
static std::binary_semaphore begun(0);
static std::binary_semaphore gone(0);

static Coroutine<int> by_value() {
  const auto count = std::make_shared<int>(0);
  const auto call = [count] {
    begun.release();
    gone.acquire();
    ++*count;
  };
  co_await to_thread(call);
  co_return *count;
}

static Coroutine<int> by_reference() {
  int count = 0;
  const auto call = [&count] {
    begun.release();
    gone.acquire();
    ++count;
  };
  co_await to_thread(call);
  co_return count;
}

static Coroutine<> cancel(const char* what, Coroutine<int> counting) {
  const Task<int> task = create_task(std::move(counting));
  co_await sleep(Seconds(0));
  begun.acquire();
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
    std::printf("%s: cancelled\n", what);
    std::fflush(stdout);
  }
}

static Coroutine<> cancel_and_go_on(const char* what, Coroutine<int> counting) {
  co_await cancel(what, std::move(counting));
  gone.release();
}

int main() {
  run(cancel_and_go_on("by value", by_value()));
  run(cancel_and_go_on("by reference", by_reference()));
}
