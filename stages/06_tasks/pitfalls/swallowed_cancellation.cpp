// A loop tries again, whatever went wrong. Its `catch (...)` also catches
// CancelledError, so the task goes on. Python before 3.8 had this trap in
// `except Exception`; CancelledError has not been an Exception since.
//
// Cure: catch std::exception. CancelledError is not one, so it passes.
//
// Prints:
//   catch (...): again! ... finished
//   catch (std::exception): cancelled
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> fetch() { co_await sleep(1h); }

static Coroutine<> wrong() {
  for (bool fetched = false; !fetched;) {
    try {
      co_await fetch();
      fetched = true;
    } catch (...) {
      std::printf("again! ... ");
    }
  }
}

static Coroutine<> cured() {
  for (bool fetched = false; !fetched;) {
    try {
      co_await fetch();
      fetched = true;
    } catch (const std::exception&) {
      std::printf("again! ... ");
    }
  }
}

static void try_it(const char* what, Coroutine<> coroutine) {
  std::printf("%s: ", what);
  EventLoop loop;
  loop.use_virtual_clock();
  const Task<> task = create_task(std::move(coroutine), loop);
  loop.call_later(1s, [&] { task.cancel(); });
  loop.run_until_idle();
  std::printf("%s\n", task.cancelled() ? "cancelled" : "finished");
}

int main() {
  try_it("catch (...)", wrong());
  try_it("catch (std::exception)", cured());
}
