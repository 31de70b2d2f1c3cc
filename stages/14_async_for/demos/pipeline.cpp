#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Says at its end, which takes a while, that it is the end of `name`. An
/// exception waits for that: a catch block must not co_await.
static Coroutine<> clean_up(const char* name, std::exception_ptr exception) {
  co_await sleep(100ms);
  std::printf("%s has cleaned up\n", name);
  if (exception) {
    std::rethrow_exception(exception);
  }
}

static AsyncGenerator<int> read() {
  std::exception_ptr exception;
  try {
    for (int i = 1; true; ++i) {
      co_await sleep(50ms);
      co_yield i;
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await clean_up("read", exception);
}

static AsyncGenerator<int> odd(AsyncGenerator<int> numbers) {
  std::exception_ptr exception;
  try {
    while (const auto number = co_await numbers.anext()) {
      if (*number % 2 == 1) {
        co_yield *number;
      }
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await numbers.aclose();
  co_await clean_up("filter", exception);
}

static AsyncGenerator<std::vector<int>> batch(
    AsyncGenerator<int> numbers,
    std::size_t size
) {
  std::exception_ptr exception;
  std::vector<int> full;
  try {
    while (const auto number = co_await numbers.anext()) {
      full.push_back(*number);
      if (full.size() == size) {
        co_yield std::exchange(full, {});
      }
    }
  } catch (...) {
    exception = std::current_exception();
  }
  co_await numbers.aclose();
  co_await clean_up("batch", exception);
}

static Coroutine<> print(AsyncGenerator<std::vector<int>> batches) {
  while (const auto numbers = co_await batches.anext()) {
    for (const int number : *numbers) {
      std::printf("%d ", number);
    }
    std::printf("\n");
  }
}

static Coroutine<> pipeline() {
  auto batches = batch(odd(read()), 3);
  const auto printing = create_task(
      async_with(aclosing(batches), print(batches)));
  co_await sleep(720ms);
  printing.cancel();
  try {
    co_await printing;
  } catch (const CancelledError&) {
    std::printf("cancelled\n");
  }
}

static const Demo<Coroutine<>()> demo{
    "pipeline", "read, filter, batch: cancelled in the middle", pipeline};
