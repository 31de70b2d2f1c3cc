// Programs of tasks that share something, disturbed at every point where that
// can be: a task is cancelled or destroyed, the loop closes, memory runs out,
// what they share is destroyed. Nobody waits for ever, nothing is left.
#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_shared_everywhere {

using namespace asyncio;
using namespace std::chrono_literals;

/// How many of these there are: in every frame is one.
class Witness {
 public:
  Witness() { ++alive; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --alive; }

  static inline int alive = 0;
};

/// One of them is used, and may be destroyed.
struct Shared {
  std::unique_ptr<Lock> lock = std::make_unique<Lock>();
  std::unique_ptr<Event> event = std::make_unique<Event>();
  std::unique_ptr<Condition> condition = std::make_unique<Condition>();
  std::unique_ptr<Semaphore> semaphore = std::make_unique<Semaphore>(2);
  std::unique_ptr<Barrier> barrier = std::make_unique<Barrier>(3);
  std::unique_ptr<Queue<int>> queue = std::make_unique<Queue<int>>(1);
  bool is_open = false;

  void destroy() {
    lock.reset();
    event.reset();
    condition.reset();
    semaphore.reset();
    barrier.reset();
    queue.reset();
  }
};

Coroutine<> naps() {
  const Witness witness;
  co_await sleep(1s);
}

Coroutine<> locks(Shared* shared) {
  const Witness witness;
  co_await async_with(*shared->lock, naps());
  const Guard guard = co_await shared->lock->scoped();
  co_await naps();
}

Coroutine<> limits(Shared* shared) {
  const Witness witness;
  const Guard guard = co_await shared->semaphore->scoped();
  co_await naps();
}

Coroutine<> waits_for_event(Shared* shared) {
  const Witness witness;
  co_await shared->event->wait();
}

Coroutine<> sets_event(Shared* shared) {
  const Witness witness;
  co_await sleep(1s);
  if (shared->event) {
    shared->event->set();
  }
}

Coroutine<> waits_inside(Shared* shared) {
  const Witness witness;
  const auto is_open = [shared] { return shared->is_open; };
  co_await shared->condition->wait_for(is_open);
}

Coroutine<> waits_for_condition(Shared* shared) {
  const Witness witness;
  co_await async_with(*shared->condition, waits_inside(shared));
}

Coroutine<> opens(Shared* shared) {
  const Witness witness;
  co_await sleep(1s);
  if (shared->condition) {
    const Guard guard = co_await shared->condition->scoped();
    co_await sleep(1s);
    shared->is_open = true;
    if (shared->condition) {
      shared->condition->notify_all();
      co_await sleep(1s);
    }
  }
}

Coroutine<> meets(Shared* shared) {
  const Witness witness;
  co_await shared->barrier->wait();
}

Coroutine<> puts(Shared* shared) {
  const Witness witness;
  for (int i = 0; i < 3; ++i) {
    co_await shared->queue->put(i);
    co_await sleep(0s);
    if (!shared->queue) {
      co_return;
    }
  }
  co_await shared->queue->join();
}

Coroutine<> gets(Shared* shared) {
  const Witness witness;
  for (int i = 0; i < 3; ++i) {
    co_await shared->queue->get();
    co_await sleep(1s);
    if (!shared->queue) {
      co_return;
    }
    shared->queue->task_done();
  }
}

using Part = Coroutine<> (*)(Shared*);

struct Program {
  const char* name;
  std::vector<Part> parts;
  std::string epitaph;
};

const std::vector<Program>& programs() {
  static const std::vector<Program> all{
      {"lock", {locks, locks, locks}, "Lock was destroyed"},
      {"semaphore", {limits, limits, limits, limits},
       "Semaphore was destroyed"},
      {"event", {waits_for_event, waits_for_event, sets_event},
       "Event was destroyed"},
      {"condition", {waits_for_condition, waits_for_condition, opens},
       "Condition was destroyed"},
      {"barrier", {meets, meets, meets}, "Barrier was destroyed"},
      {"queue", {puts, gets}, "Queue was destroyed"},
  };
  return all;
}

/// A program under way, with what its parts have thrown.
class Run {
 public:
  explicit Run(const Program& program) : program_(program) {
    loop.use_virtual_clock();
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    for (const Part part : program.parts) {
      tasks.push_back(create_task(part(&shared), loop));
    }
    // Whoever cannot go on by then, because another one did not, is stuck.
    loop.call_later(60s, [this] {
      is_stuck = !is_over();
      for (const Task<>& task : tasks) {
        task.cancel();
      }
    });
  }

  /// Returns false if all was over by then.
  bool rounds(int count) {
    for (int round = 0; round < count && !is_over(); ++round) {
      loop.run_once();
    }
    return !is_over();
  }

  bool is_over() const {
    for (const Task<>& task : tasks) {
      if (!task.done()) {
        return false;
      }
    }
    return true;
  }

  /// The rest. Returns whether nobody threw anything but what is expected.
  void finish() {
    loop.run_until_idle();
    REQUIRE(is_over());
    for (const Task<>& task : tasks) {
      const auto error = failure(task);
      if (error && !is_instance<CancelledError>(error)) {
        CHECK(describe(error) == program_.epitaph);
      }
    }
  }

  Shared shared;
  EventLoop loop;
  /// While its handler is still there.
  std::shared_ptr<void> closes{nullptr, [this](void*) { loop.close(); }};
  std::vector<Task<>> tasks;
  bool is_stuck = false;

 private:
  const Program& program_;
};

/// Runs each program again and again, and lets `disturb` have it after one
/// round, after two, and so on.
template <class Disturb>
void disturb_everywhere(Disturb disturb) {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    int count = 0;
    for (bool in_time = true; in_time; ++count) {
      INFO("after rounds: " << count);
      {
        Run run(program);
        in_time = run.rounds(count);
        disturb(run);
      }
      REQUIRE(Witness::alive == 0);
    }
    CHECK(count >= 3);
  }
}

TEST_CASE("shared_everywhere: undisturbed, they come to their end") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    Run run(program);
    run.finish();
    for (const Task<>& task : run.tasks) {
      CHECK(!failure(task));
    }
  }
}

TEST_CASE("shared_everywhere: a task is cancelled") {
  for (std::size_t which = 0; which < 2; ++which) {
    disturb_everywhere([which](Run& run) {
      run.tasks[which].cancel();
      run.finish();
      CHECK(!run.shared.condition->locked());
      CHECK(!run.shared.lock->locked());
      CHECK(!run.shared.semaphore->locked());
    });
  }
}

TEST_CASE("shared_everywhere: all of them are cancelled, again and again") {
  disturb_everywhere([](Run& run) {
    for (int i = 0; i < 3; ++i) {
      for (const Task<>& task : run.tasks) {
        task.cancel();
      }
      run.rounds(1);
    }
    run.finish();
    CHECK(!run.shared.lock->locked());
    CHECK(!run.shared.condition->locked());
    CHECK(!run.is_stuck);
  });
}

TEST_CASE("shared_everywhere: the loop closes") {
  disturb_everywhere([](Run& run) {
    run.loop.close();
    CHECK(Witness::alive == 0);
    CHECK(!run.shared.lock->locked());
    CHECK(!run.shared.condition->locked());
    CHECK(!run.shared.semaphore->locked());
  });
}

TEST_CASE("shared_everywhere: what they share is destroyed") {
  disturb_everywhere([](Run& run) {
    run.rounds(1);
    run.shared.destroy();
    run.finish();
    CHECK(!run.is_stuck);
  });
}

TEST_CASE("shared_everywhere: destroyed, and its waiters cancelled") {
  disturb_everywhere([](Run& run) {
    run.rounds(1);
    run.shared.destroy();
    for (const Task<>& task : run.tasks) {
      task.cancel();
    }
    run.finish();
  });
}

TEST_CASE("shared_everywhere: destroyed, and the loop after it") {
  disturb_everywhere([](Run& run) {
    run.rounds(1);
    run.shared.destroy();
    run.loop.close();
  });
}

/// Awaits the first part of a program, of which it is not the owner.
Coroutine<> awaits(std::unique_ptr<Coroutine<>>* part, std::string* heard) {
  try {
    co_await **part;
  } catch (const std::exception& error) {
    *heard = error.what();
  }
}

TEST_CASE("shared_everywhere: a coroutine that waits is destroyed") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    for (int count = 2; count < 12; ++count) {
      INFO("after rounds: " << count);
      {
        Run run(program);
        std::string heard;
        auto part =
            std::make_unique<Coroutine<>>(program.parts[0](&run.shared));
        const auto task = create_task(awaits(&part, &heard), run.loop);
        run.rounds(count);
        part.reset();
        run.finish();
        CHECK(task.done());
        CHECK((heard.empty() || heard == "awaited generator was destroyed"));
        CHECK(!run.shared.lock->locked());
        CHECK(!run.shared.condition->locked());
        CHECK(!run.shared.semaphore->locked());
      }
      REQUIRE(Witness::alive == 0);
    }
  }
}

TEST_CASE("shared_everywhere: the k-th allocation fails, for every k") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    bool has_failed = true;
    for (long k = 1; has_failed; ++k) {
      INFO("allocation: " << k);
      {
        std::unique_ptr<Run> run;
        const FailingAllocation failing(k);
        try {
          run = std::make_unique<Run>(program);
          run->loop.run_until_idle();
        } catch (const std::bad_alloc&) {
        }
        has_failed = failing.has_failed();
        if (run) {
          CHECK(run->is_over());
          CHECK(!run->shared.lock->locked());
          CHECK(!run->shared.semaphore->locked());
          CHECK(!run->shared.condition->locked());
        }
      }
      REQUIRE(Witness::alive == 0);
    }
  }
}

}  // namespace test_shared_everywhere
