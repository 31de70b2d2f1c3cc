// Who was woken and cannot go on hands that on: cancelled in the same round, or
// destroyed.
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_handed_on {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

/// Everything that one can wait for alone, with a way to wake one who waits.
struct Things {
  Things() { full.put_nowait(0); }

  Lock lock;
  Semaphore semaphore{0};
  Condition condition;
  Queue<int> empty;
  Queue<int> full{1};
};

struct Kind {
  const char* name;
  Coroutine<> (*wait)(Things*);
  Coroutine<> (*prepare)(Things*);
  Coroutine<> (*wake)(Things*);
};

Coroutine<> nothing(Things*) { co_return; }

Coroutine<> waits_for_lock(Things* things) {
  const auto guard = co_await things->lock.scoped();
}
Coroutine<> takes_lock(Things* things) { co_await things->lock.acquire(); }
Coroutine<> releases_lock(Things* things) {
  things->lock.release();
  co_return;
}

Coroutine<> waits_for_semaphore(Things* things) {
  co_await things->semaphore.acquire();
}
Coroutine<> releases_semaphore(Things* things) {
  things->semaphore.release();
  co_return;
}

Coroutine<> waits_for_condition(Things* things) {
  const auto guard = co_await things->condition.scoped();
  co_await things->condition.wait();
}
Coroutine<> notifies(Things* things) {
  const auto guard = co_await things->condition.scoped();
  things->condition.notify();
}

Coroutine<> gets(Things* things) { co_await things->empty.get(); }
Coroutine<> puts_one(Things* things) {
  things->empty.put_nowait(1);
  co_return;
}

Coroutine<> puts(Things* things) { co_await things->full.put(1); }
Coroutine<> gets_one(Things* things) {
  things->full.get_nowait();
  co_return;
}

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"Lock", waits_for_lock, takes_lock, releases_lock},
      {"Semaphore", waits_for_semaphore, nothing, releases_semaphore},
      {"Condition", waits_for_condition, nothing, notifies},
      {"Queue.get", gets, nothing, puts_one},
      {"Queue.put", puts, nothing, gets_one},
  };
  return all;
}

/// Two wait, one is woken: returns whether the second one goes on, whatever
/// `disturb` does to the first one in between, or before.
template <class Disturb>
bool second_goes_on(const Kind& kind, Disturb disturb, bool before = false) {
  Things things;
  Loop loop;
  loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
  auto first = std::make_unique<Coroutine<>>(kind.wait(&things));
  const auto owner = [&]() -> Coroutine<> {
    try {
      co_await *first;
    } catch (const std::exception&) {
    }
  };
  const auto main = [&]() -> Coroutine<bool> {
    co_await kind.prepare(&things);
    const auto one = create_task(owner());
    const auto other = create_task(kind.wait(&things));
    co_await sleep(1s);
    if (before) {
      disturb(one, first);
    }
    co_await kind.wake(&things);
    if (!before) {
      disturb(one, first);
    }
    co_await sleep(1s);
    co_return other.done() && !other.cancelled();
  };
  return loop.run_until_complete(main());
}

TEST_CASE("handed_on: what was not disturbed wakes one") {
  for (const Kind& kind : kinds()) {
    INFO("kind: " << std::string(kind.name));
    const bool goes_on = second_goes_on(kind, [](auto&...) {});
    // A lock is handed on by its holder.
    CHECK(goes_on == (std::string(kind.name) == "Lock"));
  }
}

TEST_CASE("handed_on: woken and cancelled in the same round") {
  for (const Kind& kind : kinds()) {
    INFO("kind: " << std::string(kind.name));
    CHECK(second_goes_on(kind, [](auto& task, auto&) { task.cancel(); }));
  }
}

TEST_CASE("handed_on: cancelled, who has not heard of it is not woken") {
  for (const Kind& kind : kinds()) {
    INFO("kind: " << std::string(kind.name));
    const auto cancel = [](auto& task, auto&) { task.cancel(); };
    CHECK(second_goes_on(kind, cancel, true));
  }
}

TEST_CASE("handed_on: woken and destroyed") {
  for (const Kind& kind : kinds()) {
    INFO("kind: " << std::string(kind.name));
    CHECK(second_goes_on(kind, [](auto&, auto& first) { first.reset(); }));
  }
}

TEST_CASE("handed_on: a condition's waiter is cancelled without the lock") {
  Loop loop;
  Condition condition;
  const auto waits = [&]() -> Coroutine<> {
    const auto guard = co_await condition.scoped();
    co_await condition.wait();
  };
  const auto main = [&]() -> Coroutine<> {
    const auto one = create_task(waits());
    const auto other = create_task(waits());
    co_await sleep(1s);
    {
      const auto guard = co_await condition.scoped();
      condition.notify();
      co_await sleep(1s);
      one.cancel();
    }
    co_await sleep(1s);
    CHECK(one.cancelled());
    CHECK(other.done());
  };
  loop.run_until_complete(main());
}

}  // namespace test_handed_on
