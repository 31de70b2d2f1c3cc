#include <chrono>
#include <cstdio>
#include <thread>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "concurrent_futures.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static int square(int number) {
  std::this_thread::sleep_for(200ms);
  return number * number;
}

// There is no co_await: result() blocks the thread, and here it may.
static Coroutine<> use_a_pool() {
  const auto start = std::chrono::steady_clock::now();
  concurrent::ThreadPoolExecutor pool(2);
  std::vector<concurrent::Future<int>> futures;
  for (const int number : {1, 2, 3, 4}) {
    futures.push_back(pool.submit(square, number));
  }
  if (futures.back().cancel()) {
    std::printf("the fourth call is cancelled\n");
    futures.pop_back();
  }
  for (const auto& future : futures) {
    const int result = future.result();
    const Seconds passed = std::chrono::steady_clock::now() - start;
    std::printf("  %.1f s  %d\n", passed.count(), result);
  }
  co_return;
}

static const Demo<Coroutine<>()> demo{
    "pool", "four calls and two threads, without a loop", use_a_pool};
