// What dies while others still come to it.
#include <memory>
#include <stdexcept>
#include <utility>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_dies_meanwhile {

using namespace asyncio;
using namespace std::chrono_literals;

Coroutine<> waits_for_ever(Condition* condition, Lock* lock) {
  const auto guard = co_await lock->scoped();
  const auto never = [] { return false; };
  co_await condition->wait_for(never);
}

Coroutine<> destroys_it_with_the_lock() {
  Lock lock;
  auto condition = std::make_unique<Condition>(lock);
  const auto task = create_task(waits_for_ever(condition.get(), &lock));
  co_await sleep(0s);
  {
    const auto guard = co_await lock.scoped();
    condition->notify();
    // Now it waits for the lock.
    co_await sleep(0s);
    co_await sleep(0s);
    condition = nullptr;
  }
  CHECK_THROWS_WITH_AS(co_await task, "Condition was destroyed",
                       std::logic_error);
  CHECK(!lock.locked());
}

TEST_CASE("a condition is destroyed while its lock is waited for") {
  run(destroys_it_with_the_lock());
}

/// Says that it is dealt with.
class Item {
 public:
  explicit Item(Queue<Item>& queue) : queue_(&queue) {}
  Item(Item&& other) : queue_(std::exchange(other.queue_, nullptr)) {}
  Item& operator=(Item&&) = delete;
  ~Item() {
    if (queue_) {
      queue_->task_done();
    }
  }

 private:
  Queue<Item>* queue_;
};

TEST_CASE("items that are left deal with themselves as their queue dies") {
  auto queue = std::make_unique<Queue<Item>>();
  queue->put_nowait(Item(*queue));
  queue->put_nowait(Item(*queue));
  CHECK_NOTHROW(queue = nullptr);
}

}  // namespace test_dies_meanwhile
