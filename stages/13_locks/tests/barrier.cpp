#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_barrier {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> comes(Barrier* barrier, Log* log, Seconds delay) {
  co_await sleep(delay);
  try {
    const int index = co_await barrier->wait();
    log->push_back(std::to_string(index));
  } catch (const BrokenBarrierError& error) {
    log->push_back(error.what());
  }
}

TEST_CASE("barrier: all go on when the last one has come") {
  Loop loop;
  Barrier barrier(3);
  Log log;
  for (const Seconds delay : {1s, 2s, 3s}) {
    create_task(comes(&barrier, &log, delay), loop);
  }
  loop.call_later(2500ms, [&] {
    CHECK(log.empty());
    CHECK(barrier.n_waiting() == 2);
  });
  loop.run_until_idle();
  CHECK(log == Log{"2", "0", "1"});
  CHECK(barrier.n_waiting() == 0);
}

TEST_CASE("barrier: it is used again, for the next ones") {
  Loop loop;
  Barrier barrier(2);
  Log log;
  for (int i = 0; i < 6; ++i) {
    create_task(comes(&barrier, &log, 0s), loop);
  }
  loop.run_until_idle();
  CHECK(log.size() == 6);
  CHECK(barrier.n_waiting() == 0);
}

Coroutine<> meets(Barrier* barrier, Log* log, std::string label) {
  co_await barrier->wait();
  log->push_back(label);
}

TEST_CASE("barrier: who comes as the others leave is for the next time") {
  Loop loop;
  Barrier barrier(2);
  Log log;
  for (const char* label : {"a", "b", "c"}) {
    create_task(meets(&barrier, &log, label), loop);
  }
  loop.call_later(1s, [&] {
    CHECK(log == Log{"b", "a"});
    CHECK(barrier.n_waiting() == 1);
    create_task(meets(&barrier, &log, "d"));
  });
  loop.run_until_idle();
  CHECK(log == Log{"b", "a", "d", "c"});
}

TEST_CASE("barrier: who comes as it is reset is for the next time") {
  Loop loop;
  Barrier barrier(2);
  Log log;
  create_task(comes(&barrier, &log, 0s), loop);
  loop.call_later(1s, [&] {
    create_task(barrier.reset());
    create_task(meets(&barrier, &log, "a"));
  });
  loop.call_later(2s, [&] { create_task(meets(&barrier, &log, "b")); });
  loop.run_until_idle();
  CHECK(log == Log{"Abort or reset of barrier", "b", "a"});
}

TEST_CASE("barrier: reset() turns away who waits, and it is as new") {
  Loop loop;
  Barrier barrier(2);
  Log log;
  create_task(comes(&barrier, &log, 0s), loop);
  create_task(comes(&barrier, &log, 2s), loop);
  create_task(comes(&barrier, &log, 3s), loop);
  loop.call_later(1s, [&] { create_task(barrier.reset()); });
  loop.run_until_idle();
  CHECK(log == Log{"Abort or reset of barrier", "1", "0"});
}

TEST_CASE("barrier: abort() turns away everybody, until it is reset") {
  Loop loop;
  Barrier barrier(2);
  Log log;
  create_task(comes(&barrier, &log, 0s), loop);
  create_task(comes(&barrier, &log, 2s), loop);
  loop.call_later(1s, [&] { create_task(barrier.abort()); });
  loop.run_until_idle();
  CHECK(log == Log{"Abort or reset of barrier", "Barrier aborted"});
  CHECK(barrier.broken());
  loop.run_until_complete(barrier.reset());
  CHECK(!barrier.broken());
  create_task(comes(&barrier, &log, 0s), loop);
  create_task(comes(&barrier, &log, 0s), loop);
  loop.run_until_idle();
  CHECK(log.size() == 4);
}

TEST_CASE("barrier: a cancelled one does not count") {
  Loop loop;
  Barrier barrier(2);
  Log log;
  const auto task = create_task(comes(&barrier, &log, 0s), loop);
  loop.call_later(1s, [&] { task.cancel(); });
  create_task(comes(&barrier, &log, 2s), loop);
  create_task(comes(&barrier, &log, 3s), loop);
  loop.run_until_idle();
  CHECK(log == Log{"1", "0"});
}

TEST_CASE("barrier: for one at least") {
  CHECK_THROWS_AS(Barrier(0), std::invalid_argument);
  CHECK(Barrier(3).parties() == 3);
}

TEST_CASE("barrier: async_with waits for the others before the body") {
  Loop loop;
  Barrier barrier(2);
  const auto body = [&]() -> Coroutine<> {
    CHECK(get_running_loop().time() == 2s);
    co_return;
  };
  const auto comes_late = [&]() -> Coroutine<> {
    co_await sleep(2s);
    co_await async_with(barrier, body());
  };
  create_task(async_with(barrier, body()), loop);
  create_task(comes_late(), loop);
  loop.run_until_idle();
}

}  // namespace test_barrier
