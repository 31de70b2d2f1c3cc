#include <cstdio>
#include <thread>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

constexpr int threads = 10;
constexpr int calls = 10'000;

/// Two steps, and no lock: only the loop's thread is ever here.
static void count(int* counter) {
  const int before = *counter;
  *counter = before + 1;
}

static void ask_often(EventLoop* loop, int* counter) {
  for (int call = 0; call < calls; ++call) {
    loop->call_soon_threadsafe([counter] { count(counter); });
  }
}

static Coroutine<> count_together() {
  int counter = 0;
  std::vector<Coroutine<>> asking;
  for (int thread = 0; thread < threads; ++thread) {
    asking.push_back(to_thread(ask_often, &get_running_loop(), &counter));
  }
  co_await gather(std::move(asking));
  std::printf("%d threads, %d calls each: %d\n", threads, calls, counter);
}

static const Demo<Coroutine<>()> demo{
    "counting", "ten threads count through the loop", count_together};
