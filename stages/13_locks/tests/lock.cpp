#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_lock {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> holds(Lock* lock, Log* log, std::string label, Seconds delay) {
  co_await lock->acquire();
  log->push_back(label);
  co_await sleep(delay);
  lock->release();
}

TEST_CASE("lock: free, held, free") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Lock lock;
    CHECK(!lock.locked());
    const bool result = co_await lock.acquire();
    CHECK(result);
    CHECK(lock.locked());
    lock.release();
    CHECK(!lock.locked());
  };
  loop.run_until_complete(main());
}

TEST_CASE("lock: one at a time, in the order in which they came") {
  Loop loop;
  Lock lock;
  Log log;
  for (const char* label : {"a", "b", "c"}) {
    create_task(holds(&lock, &log, label, 1s), loop);
  }
  loop.run_until_idle();
  CHECK(log == Log{"a", "b", "c"});
  CHECK(loop.time() == 3s);
  CHECK(!lock.locked());
}

TEST_CASE("lock: who comes as it is handed over stands behind") {
  Loop loop;
  Lock lock;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    co_await lock.acquire();
    const auto first = create_task(holds(&lock, &log, "waited", 1s));
    co_await sleep(1s);
    lock.release();
    CHECK(!lock.locked());
    co_await holds(&lock, &log, "came late", 1s);
    co_await first;
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"waited", "came late"});
}

TEST_CASE("lock: one that nobody holds is not released") {
  Lock lock;
  CHECK_THROWS_WITH(lock.release(), "Lock is not acquired.");
}

TEST_CASE("lock: a cancelled waiter leaves the line") {
  Loop loop;
  Lock lock;
  Log log;
  create_task(holds(&lock, &log, "a", 2s), loop);
  const auto cancelled = create_task(holds(&lock, &log, "b", 2s), loop);
  create_task(holds(&lock, &log, "c", 2s), loop);
  loop.call_later(1s, [&] { cancelled.cancel(); });
  loop.run_until_idle();
  CHECK(log == Log{"a", "c"});
}

TEST_CASE("lock: it can be made without a loop, and stays with its first") {
  Lock lock;
  const auto waits = [&]() -> Coroutine<> {
    get_running_loop().call_later(1s, [&] { lock.release(); });
    co_await lock.acquire();
    co_await lock.acquire();
    lock.release();
  };
  {
    Loop loop;
    loop.run_until_complete(waits());
  }
  Loop other;
  CHECK_THROWS_WITH(other.run_until_complete(waits()),
                    "it is bound to a different event loop");
}

}  // namespace test_lock
