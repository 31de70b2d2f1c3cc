#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_semaphore {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> holds(Semaphore* semaphore, Log* log, std::string label) {
  co_await semaphore->acquire();
  log->push_back(label);
  co_await sleep(1s);
  semaphore->release();
}

TEST_CASE("semaphore: as many at a time as it says") {
  Loop loop;
  Semaphore semaphore(2);
  Log log;
  for (const char* label : {"a", "b", "c", "d", "e"}) {
    create_task(holds(&semaphore, &log, label), loop);
  }
  loop.run_until_idle();
  CHECK(log == Log{"a", "b", "c", "d", "e"});
  CHECK(loop.time() == 3s);
  CHECK(!semaphore.locked());
}

TEST_CASE("semaphore: who is woken has it, and is not overtaken") {
  Loop loop;
  Semaphore semaphore;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    co_await semaphore.acquire();
    create_task(holds(&semaphore, &log, "waited"));
    co_await sleep(1s);
    semaphore.release();
    CHECK(semaphore.locked());
    co_await holds(&semaphore, &log, "came late");
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"waited", "came late"});
}

TEST_CASE("semaphore: released more often than waited for, nobody is left") {
  Loop loop;
  Semaphore semaphore(0);
  Log log;
  const auto main = [&]() -> Coroutine<> {
    create_task(holds(&semaphore, &log, "waited"));
    co_await sleep(1s);
    semaphore.release();
    semaphore.release();
    co_await holds(&semaphore, &log, "came late");
    CHECK(get_running_loop().time() == 2s);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"waited", "came late"});
}

TEST_CASE("semaphore: one that begins at none waits for a release") {
  Loop loop;
  Semaphore semaphore(0);
  Log log;
  create_task(holds(&semaphore, &log, "a"), loop);
  loop.call_later(5s, [&] { semaphore.release(); });
  loop.run_until_idle();
  CHECK(loop.time() == 6s);
}

TEST_CASE("semaphore: no negative number") {
  CHECK_THROWS_AS(Semaphore(-1), std::invalid_argument);
  CHECK_THROWS_AS(BoundedSemaphore(-1), std::invalid_argument);
}

TEST_CASE("semaphore: a bounded one is not released too often") {
  Loop loop;
  BoundedSemaphore semaphore(2);
  CHECK_THROWS_WITH(semaphore.release(),
                    "BoundedSemaphore released too many times");
  Log log;
  loop.run_until_complete(holds(&semaphore, &log, "a"));
  CHECK_THROWS_AS(semaphore.release(), std::invalid_argument);
}

TEST_CASE("semaphore: a hundred thousand who wait are soon woken") {
  Loop loop;
  Semaphore semaphore(0);
  int count = 0;
  const auto one = [&]() -> Coroutine<> {
    co_await semaphore.acquire();
    ++count;
  };
  for (int i = 0; i < 100'000; ++i) {
    create_task(one(), loop);
  }
  loop.call_later(1s, [&] {
    for (int i = 0; i < 100'000; ++i) {
      semaphore.release();
    }
  });
  loop.run_until_idle();
  CHECK(count == 100'000);
}

}  // namespace test_semaphore
