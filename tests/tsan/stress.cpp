// Everything that threads may do to a loop and tasks to each other, at once and
// at random, in one loop after the other: for a second, or with SOAK=1 for ten
// minutes. For ThreadSanitizer and AddressSanitizer; it also checks what has
// to hold at the end of each loop. SEED=N repeats the choices, not the timing.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/watchdog.hpp"

namespace {

using namespace asyncio;
using namespace std::chrono_literals;
using concurrent::ThreadPoolExecutor;

/// What happened, of all loops.
struct Counts {
  std::atomic<long> loops = 0;
  std::atomic<long> posts = 0;
  std::atomic<long> calls = 0;
  std::atomic<long> cancelled_calls = 0;
  std::atomic<long> coroutines = 0;
  std::atomic<long> cancelled_coroutines = 0;
  std::atomic<long> refused = 0;
  std::atomic<long> signals = 0;
  long items = 0;
  long cancelled_tasks = 0;
  long generators = 0;
};

Counts counts;

void require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "stress: %s\n", what);
    std::abort();
  }
}

/// A choice of its own for each thread: a generator must not be shared.
class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}

  /// One of 0 to n - 1.
  unsigned operator()(unsigned n) {
    return static_cast<unsigned>(random_() % n);
  }

 private:
  std::mt19937 random_;
};

/// Counts who is in a block.
class Inside {
 public:
  Inside(int* count, int most) : count_(count) {
    require(++*count_ <= most, "too many have it");
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { --*count_; }

 private:
  int* count_;
};

// ---- What threads do ----

constexpr int n_posts = 200;

void post(EventLoop* loop, int* next) {
  for (int i = 0; i < n_posts; ++i) {
    loop->call_soon_threadsafe([next, i] {
      require((*next)++ == i, "a thread's calls are out of order");
    });
    ++counts.posts;
  }
}

void submit(unsigned seed) {
  Dice dice(seed);
  std::atomic<int> made = 0;
  std::vector<concurrent::Future<int>> futures;
  {
    ThreadPoolExecutor pool(1 + dice(3));
    for (unsigned i = 0; i < 100; ++i) {
      futures.push_back(pool.submit([&made] { return ++made, 1; }));
      if (dice(3) == 0) {
        futures[dice(i + 1)].cancel();
      }
    }
    pool.shutdown(dice(2) == 0, dice(2) == 0);
  }
  int results = 0;
  int cancelled = 0;
  for (const auto& future : futures) {
    try {
      results += future.result();
    } catch (const concurrent::CancelledError&) {
      ++cancelled;
    }
  }
  require(results + cancelled == 100, "a future has neither");
  require(results == made, "a cancelled call was made, or one got lost");
  counts.calls += results;
  counts.cancelled_calls += cancelled;
}

Coroutine<int> answer(int value, unsigned rounds) {
  while (rounds-- > 0) {
    co_await sleep(0s);
  }
  co_return value;
}

void send_coroutines(EventLoop* loop, unsigned seed) {
  Dice dice(seed);
  for (int i = 0; i < 50; ++i) {
    const auto future = run_coroutine_threadsafe(answer(i, dice(30)), *loop);
    const bool cancels = dice(2) == 0;
    if (cancels) {
      // Before it begins, while it runs, or too late.
      for (unsigned left = dice(100); left > 0; --left) {
        std::this_thread::yield();
      }
      future.cancel();
    }
    try {
      require(future.result() == i, "a wrong result");
      ++counts.coroutines;
    } catch (const concurrent::CancelledError&) {
      require(cancels, "cancelled by nobody");
      ++counts.cancelled_coroutines;
    }
  }
}

Coroutine<> calls_a_thread(unsigned rounds) {
  co_await answer(0, rounds);
  const int result = co_await to_thread([] { return 42; });
  require(result == 42, "a wrong result of a thread");
}

// Closes loops while another thread posts to them.
void open_and_close(unsigned seed) {
  Dice dice(seed);
  for (int i = 0; i < 5; ++i) {
    auto loop = std::make_unique<EventLoop>();
    std::atomic<bool> begun = false;
    std::thread other([mailbox = loop->mailbox(), &begun] {
      do {
        begun = true;
        std::this_thread::yield();
      } while (mailbox->post([] {}));
      ++counts.refused;
    });
    while (!begun) {
      std::this_thread::yield();
    }
    if (dice(3) > 0) {
      loop->run_until_complete(calls_a_thread(dice(4)));
    }
    loop = nullptr;
    other.join();
    run(calls_a_thread(dice(4)));
    counts.loops += 2;
  }
}

void send_signals() {
  for (int i = 0; i < 20; ++i) {
    std::raise(SIGUSR1);
    std::this_thread::yield();
  }
}

// ---- What tasks do ----

struct Shared {
  explicit Shared(unsigned seed) : dice(seed) {}

  Dice dice;
  Queue<int> queue{3};
  Lock lock;
  Semaphore semaphore{2};
  Condition condition;
  int put = 0;
  int got = 0;
  int in_lock = 0;
  int in_semaphore = 0;
  int generators = 0;
  bool over = false;
};

Coroutine<> produce(Shared* shared) {
  while (true) {
    co_await shared->queue.put(1);
    ++shared->put;
  }
}

Coroutine<> consume(Shared* shared) {
  while (true) {
    shared->got += co_await shared->queue.get();
    shared->queue.task_done();
    const Guard guard = co_await shared->lock.scoped();
    const Inside inside(&shared->in_lock, 1);
    co_await answer(0, shared->dice(3));
  }
}

Coroutine<> count_down(Shared* shared) {
  while (true) {
    const Guard guard = co_await shared->semaphore.scoped();
    const Inside inside(&shared->in_semaphore, 2);
    co_await answer(0, shared->dice(3));
  }
}

Coroutine<> wait_for_the_end(Shared* shared) {
  const Guard guard = co_await shared->condition.scoped();
  const auto is_over = [shared] { return shared->over; };
  co_await shared->condition.wait_for(is_over);
}

AsyncGenerator<int> ticks(Shared* shared) {
  const Inside alive(&shared->generators, 1'000'000);
  ++counts.generators;
  for (int i = 0; i < 5; ++i) {
    co_await answer(0, shared->dice(3));
    co_yield i;
  }
}

Coroutine<> drop_generators(Shared* shared) {
  while (true) {
    const auto generator = ticks(shared);
    for (unsigned left = shared->dice(8); left > 0; --left) {
      const auto tick = co_await generator.anext();
      if (!tick) {
        break;
      }
    }
    co_await sleep(0s);
  }
}

Task<> start_any(Shared* shared) {
  switch (shared->dice(6)) {
    case 0:
      return create_task(produce(shared));
    case 1:
      return create_task(consume(shared));
    case 2:
      return create_task(count_down(shared));
    case 3:
      return create_task(drop_generators(shared));
    case 4:
      return create_task(wait_for_the_end(shared));
    default:
      return create_task(calls_a_thread(1));
  }
}

Coroutine<> cancel_at_random(Shared* shared) {
  std::vector<Task<>> tasks;
  for (int i = 0; i < 200; ++i) {
    tasks.push_back(start_any(shared));
    co_await answer(0, shared->dice(4));
    const auto number = shared->dice(static_cast<unsigned>(tasks.size()));
    tasks[number].cancel();
  }
  {
    const Guard guard = co_await shared->condition.scoped();
    shared->over = true;
    shared->condition.notify_all();
  }
  {
    // Whoever was cancelled has not left others waiting for ever.
    const Guard lock = co_await shared->lock.scoped();
    const Guard semaphore = co_await shared->semaphore.scoped();
  }
  for (const auto& task : tasks) {
    task.cancel();
  }
  for (const auto& task : tasks) {
    try {
      co_await task;
    } catch (const CancelledError&) {
      ++counts.cancelled_tasks;
    }
  }
}

// ---- A loop in which all of that happens ----

Coroutine<> everything(Shared* shared) {
  EventLoop* const loop = &get_running_loop();
  int signals = 0;
  loop->add_signal_handler(SIGUSR1, [&signals] { ++signals; });
  const auto threads = std::make_shared<ThreadPoolExecutor>(6);
  int next[2] = {};
  std::vector<Future<>> ends;
  for (int& each : next) {
    int* const mine = &each;
    ends.push_back(run_in_executor(*threads, post, loop, mine));
  }
  ends.push_back(run_in_executor(*threads, submit, shared->dice(1u << 30)));
  ends.push_back(
      run_in_executor(*threads, send_coroutines, loop, shared->dice(1u << 30)));
  ends.push_back(
      run_in_executor(*threads, open_and_close, shared->dice(1u << 30)));
  ends.push_back(run_in_executor(*threads, send_signals));
  co_await cancel_at_random(shared);
  for (const auto& end : ends) {
    co_await end;
  }
  for (const int count : next) {
    require(count == n_posts, "a thread's call got lost");
  }
  while (signals == 0) {
    co_await sleep(1ms);
  }
  counts.signals += signals;
  loop->remove_signal_handler(SIGUSR1);
}

void one_loop(unsigned seed) {
  const Watchdog watchdog("stress: a loop", 120, 120);
  Shared shared(seed);
  run(everything(&shared));
  ++counts.loops;
  counts.items += shared.got;
  require(shared.got + static_cast<int>(shared.queue.qsize()) == shared.put,
          "an item got lost");
  require(!shared.lock.locked() && shared.in_lock == 0, "a lock is held");
  require(!shared.semaphore.locked() && shared.in_semaphore == 0,
          "a semaphore is held");
  require(!shared.condition.locked(), "a condition is held");
  require(shared.generators == 0, "a generator was not closed");
}

unsigned number_in_environment(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text ? static_cast<unsigned>(std::stoul(text)) : otherwise;
}

std::vector<std::pair<const char*, long>> figures() {
  return {
      {"loops", counts.loops},
      {"calls posted", counts.posts},
      {"calls made by executors", counts.calls},
      {"of them cancelled", counts.cancelled_calls},
      {"coroutines sent", counts.coroutines},
      {"of them cancelled", counts.cancelled_coroutines},
      {"threads refused by a closed loop", counts.refused},
      {"signals", counts.signals},
      {"items through queues", counts.items},
      {"tasks cancelled", counts.cancelled_tasks},
      {"generators", counts.generators},
  };
}

bool all_tried() {
  return std::ranges::all_of(figures(), [](const auto& figure) {
    return figure.second > 0;
  });
}

}  // namespace

int main() {
  // Whatever comes when no loop handles it.
  std::signal(SIGUSR1, SIG_IGN);
  const bool soak = std::getenv("SOAK") != nullptr;
  const auto seconds = std::chrono::seconds(soak ? 600 : 1);
  unsigned seed = number_in_environment("SEED", std::random_device()());
  std::printf("SEED=%u\n", seed);
  std::fflush(stdout);
  // Some things take a while to happen on a busy machine.
  const auto patience = std::chrono::seconds(60);
  const auto begun = std::chrono::steady_clock::now();
  const auto goes_on = [&] {
    const auto elapsed = std::chrono::steady_clock::now() - begun;
    return elapsed < seconds || (!all_tried() && elapsed < patience);
  };
  while (goes_on()) {
    one_loop(seed++);
  }
  for (const auto& [what, count] : figures()) {
    std::printf("%9ld %s\n", count, what);
  }
  std::fflush(stdout);
  require(all_tried(), "something was never tried");
}
