// Each of these programs is cancelled, dropped, left without its loop or
// without memory at every point where it can be, and each time it ends and
// nothing is left.
#include "asyncgen_everywhere.hpp"

#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/testing.hpp"

namespace test_asyncgen_everywhere {

struct Loop : EventLoop {
  Loop() {
    use_virtual_clock();
    set_exception_handler(ignore);
  }
};

/// Returns false if all was over by then.
bool rounds(EventLoop& loop, int count, const AnyTask& task) {
  for (int round = 0; round < count && !task.done(); ++round) {
    loop.run_once();
  }
  return !task.done();
}

/// Calls `disturb` after no round, one, two and so on.
template <class Disturb>
void disturb_everywhere(const Disturb& disturb) {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    int count = 0;
    for (bool in_time = true; in_time; ++count) {
      INFO("after rounds: " << count);
      in_time = disturb(program, count);
      REQUIRE(Witness::alive == 0);
    }
    CHECK(count > 2);
  }
}

TEST_CASE("asyncgen_everywhere: the task is cancelled") {
  disturb_everywhere([](const Program& program, int count) {
    Loop loop;
    const auto task = create_task(program.run(), loop);
    const bool in_time = rounds(loop, count, task);
    task.cancel();
    loop.run_until_idle();
    CHECK(task.done());
    CHECK(Witness::alive == 0);
    return in_time;
  });
}

TEST_CASE("asyncgen_everywhere: the task is cancelled, and again") {
  disturb_everywhere([](const Program& program, int count) {
    Loop loop;
    const auto task = create_task(program.run(), loop);
    const bool in_time = rounds(loop, count, task);
    while (!task.done()) {
      task.cancel();
      loop.run_once();
    }
    loop.run_until_idle();
    return in_time;
  });
}

TEST_CASE("asyncgen_everywhere: the loop closes") {
  disturb_everywhere([](const Program& program, int count) {
    Loop loop;
    const auto task = create_task(program.run(), loop);
    const bool in_time = rounds(loop, count, task);
    loop.close();
    CHECK(Witness::alive == 0);
    return in_time;
  });
}

TEST_CASE("asyncgen_everywhere: the runner closes") {
  disturb_everywhere([](const Program& program, int count) {
    Runner runner;
    EventLoop& loop = runner.get_loop();
    loop.use_virtual_clock();
    loop.set_exception_handler(ignore);
    const auto task = create_task(program.run(), loop);
    const bool in_time = rounds(loop, count, task);
    runner.close();
    CHECK(Witness::alive == 0);
    return in_time;
  });
}

Coroutine<> awaits(std::unique_ptr<Coroutine<>>* program) {
  const Witness witness;
  try {
    co_await **program;
  } catch (const std::logic_error&) {
  }
}

TEST_CASE("asyncgen_everywhere: the coroutine that is awaited is destroyed") {
  disturb_everywhere([](const Program& program, int count) {
    auto coroutine = std::make_unique<Coroutine<>>(program.run());
    Loop loop;
    const auto task = create_task(awaits(&coroutine), loop);
    const bool in_time = rounds(loop, count, task);
    if (count > 0) {
      coroutine.reset();
      loop.run_until_idle();
      CHECK(task.done());
    }
    loop.close();
    return in_time;
  });
}

TEST_CASE("asyncgen_everywhere: driven by hand, and dropped") {
  disturb_everywhere([](const Program& program, int count) {
    Loop loop;
    const auto main = [&]() -> Coroutine<bool> {
      auto coroutine = program.run();
      bool goes_on = true;
      for (int i = 0; i < count && goes_on; ++i) {
        try {
          goes_on = coroutine.next().has_value();
        } catch (const std::exception&) {
          goes_on = false;
        }
      }
      co_return goes_on;
    };
    const bool in_time = loop.run_until_complete(main());
    loop.run_until_idle();
    return in_time && count < 100;
  });
}

TEST_CASE("asyncgen_everywhere: the k-th allocation fails, for every k") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    bool has_failed = true;
    for (long k = 1; has_failed; ++k) {
      INFO("allocation: " << k);
      std::string outcome;
      {
        Loop loop;
        const FailingAllocation failing(k);
        try {
          loop.run_until_complete(program.run());
        } catch (const std::exception& error) {
          outcome = error.what();
        }
        has_failed = failing.has_failed();
        loop.close();
      }
      CHECK(outcome != "nothing left to wait for");
      REQUIRE(Witness::alive == 0);
    }
  }
}

}  // namespace test_asyncgen_everywhere
