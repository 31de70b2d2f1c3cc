// In each of these programs every allocation fails once, and each time nobody
// waits for ever, and nothing is left.
#include <exception>
#include <new>
#include <stdexcept>
#include <string>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "everywhere.hpp"

namespace test_throw_everywhere {

using namespace test_everywhere;

/// Returns how it ended.
std::string run_program(const Program& program, EventLoop& loop) {
  try {
    loop.run_until_complete(program.run());
    return "done";
  } catch (const std::bad_alloc&) {
    return "no memory";
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST_CASE("throw_everywhere: the k-th allocation fails, for every k") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    bool has_failed = true;
    for (long k = 1; has_failed; ++k) {
      INFO("allocation: " << k);
      std::string outcome;
      {
        EventLoop loop;
        loop.use_virtual_clock();
        loop.set_exception_handler(ignore);
        const FailingAllocation failing(k);
        outcome = run_program(program, loop);
        has_failed = failing.has_failed();
        loop.close();
      }
      INFO("outcome: " << outcome);
      CHECK(outcome != "nothing left to wait for");
      REQUIRE(Witness::alive == 0);
    }
  }
}

Coroutine<> counts(int* steps) {
  const Witness witness;
  for (; *steps < 3; ++*steps) {
    co_await sleep(1s);
  }
}

Coroutine<> begins(TaskGroup* group, int* steps) {
  const Witness witness;
  bool has_failed = false;
  try {
    group->create_task(counts(steps));
  } catch (const std::bad_alloc&) {
    has_failed = true;
  }
  co_await sleep(5s);
  CHECK((!has_failed || *steps == 0));
}

Coroutine<> counts_in_group(int* steps) {
  TaskGroup group;
  co_await async_with(group, begins(&group, steps));
}

TEST_CASE("throw_everywhere: a task that a group cannot create is none") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    INFO("allocation: " << k);
    {
      int steps = 0;
      EventLoop loop;
      loop.use_virtual_clock();
      loop.set_exception_handler(ignore);
      const FailingAllocation failing(k);
      try {
        loop.run_until_complete(counts_in_group(&steps));
      } catch (const std::exception&) {
      }
      has_failed = failing.has_failed();
    }
    REQUIRE(Witness::alive == 0);
  }
}

}  // namespace test_throw_everywhere
