// The workloads threadsafe and executor of a stage's `bench`, on asio, for
// scripts/bench threads: `bench_asio [--reactor] WORKLOAD --n N --tasks T`
// prints the same line. With --reactor the io_context has a timer to wait for,
// too: without any such object it waits on a condition variable alone.
#include <asio.hpp>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>

#include "common/bench.hpp"

static void threadsafe(asio::io_context& loop, long n) {
  auto work = asio::make_work_guard(loop);
  std::thread thread([&] {
    std::binary_semaphore answer(0);
    for (long i = 0; i < n; ++i) {
      asio::post(loop, [&answer] { answer.release(); });
      answer.acquire();
    }
    asio::post(loop, [&loop] { loop.stop(); });
  });
  loop.run();
  thread.join();
}

static asio::awaitable<long> call(
    asio::thread_pool& pool,
    asio::io_context& loop,
    long i
) {
  const auto start = [&pool, &loop, i](auto handler) {
    const auto work = asio::make_work_guard(loop);
    asio::post(pool, [&loop, i, work, handler = std::move(handler)]() mutable {
      asio::post(loop, [i, handler = std::move(handler)]() mutable {
        std::move(handler)(i);
      });
    });
  };
  using Token = decltype(asio::use_awaitable);
  co_return co_await asio::async_initiate<Token, void(long)>(
      start, asio::use_awaitable);
}

static asio::awaitable<void> submit_and_await(
    asio::thread_pool& pool,
    asio::io_context& loop,
    long n
) {
  long sum = 0;
  for (long i = 0; i < n; ++i) {
    sum += co_await call(pool, loop, i);
  }
  if (sum != n * (n - 1) / 2) {
    std::abort();
  }
}

static void executor(asio::io_context& loop, long n) {
  asio::thread_pool pool(1);
  const auto stop = [&loop](std::exception_ptr) { loop.stop(); };
  asio::co_spawn(loop, submit_and_await(pool, loop, n), stop);
  loop.run();
  pool.join();
}

int main(int argc, char** argv) {
  const bool reactor = argc > 1 && std::string(argv[1]) == "--reactor";
  char** const words = argv + (reactor ? 2 : 1);
  const std::string workload = words[0];
  const long n = std::atol(words[2]);
  asio::io_context loop;
  std::optional<asio::steady_timer> timer;
  if (reactor) {
    timer.emplace(loop, std::chrono::hours(1));
    timer->async_wait([](auto) {});
  }
  const auto start = cpu_ns();
  workload == "executor" ? executor(loop, n) : threadsafe(loop, n);
  std::printf("ns=%.3f bytes=0.0 n=%ld\n",
              static_cast<double>(cpu_ns() - start) / static_cast<double>(n),
              n);
}
