// A thread needs what a coroutine of the loop waits for. It calls run(): that
// is another loop, and a future belongs to the loop that it was made for. To
// await it in another one is refused.
//
// Cure: let the coroutine run where its futures are, and wait for its result:
// run_coroutine_threadsafe(coroutine, loop).result(). Never in the loop's own
// thread: there it would wait for itself.
//
// Prints:
//   run(): ...
//   run_coroutine_threadsafe(): 42
#include <cstdio>
#include <exception>

#include "asyncio.hpp"

using namespace asyncio;

static Coroutine<int> get(Future<int> answer) { co_return co_await answer; }

static void wrong(Future<int> answer) {
  try {
    std::printf("run(): %d\n", run(get(answer)));
  } catch (const std::exception& error) {
    std::printf("run(): %s\n", error.what());
  }
}

static void cured(Future<int> answer, EventLoop* loop) {
  const auto future = run_coroutine_threadsafe(get(answer), *loop);
  std::printf("run_coroutine_threadsafe(): %d\n", future.result());
}

static Coroutine<> try_both() {
  EventLoop& loop = get_running_loop();
  const Future<int> answer;
  co_await to_thread(wrong, answer);
  loop.call_soon([answer] { answer.set_result(42); });
  co_await to_thread(cured, answer, &loop);
}

int main() { run(try_both()); }
