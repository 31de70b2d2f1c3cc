#include <cstdio>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

// What JavaScript has beside its loop's queue. It is emptied after each task,
// before the next one begins.
static std::deque<std::function<void()>> microtasks;

static void queue_task(std::function<void()> task) {
  get_running_loop().call_soon([task] {
    task();
    while (!microtasks.empty()) {
      const auto microtask = std::move(microtasks.front());
      microtasks.pop_front();
      microtask();
    }
  });
}

/// As much of JavaScript's as fits here: it has no rejection, and then() does
/// not give a promise. Nobody can cancel it.
class Promise {
 public:
  /// The first one counts; nobody hears of the others.
  void resolve(int value) {
    if (state_->value) {
      return;
    }
    state_->value = value;
    for (const auto& callback : std::exchange(state_->callbacks, {})) {
      then(callback);
    }
  }

  void then(std::function<void(int)> callback) const {
    if (state_->value) {
      microtasks.push_back([callback, value = *state_->value] {
        callback(value);
      });
    } else {
      state_->callbacks.push_back(std::move(callback));
    }
  }

 private:
  struct State {
    std::optional<int> value;
    std::vector<std::function<void(int)>> callbacks;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

static void promise_demo() {
  Promise promise;
  promise.then([](int value) { std::printf("  then: %d\n", value); });
  queue_task([promise]() mutable {
    std::printf("  one: resolve(42), resolve(43)\n");
    promise.resolve(42);
    promise.resolve(43);
    std::printf("  one ends\n");
  });
  queue_task([] { std::printf("  two\n"); });
}

static void future_demo() {
  EventLoop& loop = get_running_loop();
  const Future<int> future;
  future.add_done_callback([](Future<int> done) {
    std::printf("  callback: %d\n", done.result());
  });
  loop.call_soon([future] {
    std::printf("  one: set_result(42), set_result(43)\n");
    future.set_result(42);
    try {
      future.set_result(43);
    } catch (const InvalidStateError& error) {
      std::printf("  one: %s\n", error.what());
    }
    std::printf("  one ends\n");
  });
  loop.call_soon([] { std::printf("  two\n"); });
}

static void cancel_demo() {
  const Future<int> future;
  future.add_done_callback([](Future<int> done) {
    std::printf("  callback: %s\n", to_string(done).c_str());
  });
  future.cancel();
}

static Coroutine<> compare() {
  std::printf("a promise\n");
  promise_demo();
  co_await sleep(Seconds(0.1));
  std::printf("a future\n");
  future_demo();
  co_await sleep(Seconds(0.1));
  std::printf("a future can be cancelled\n");
  cancel_demo();
}

static const Demo<Coroutine<>()> demo{
    "promise", "what JavaScript's Promise does, and what a Future does",
    compare};
