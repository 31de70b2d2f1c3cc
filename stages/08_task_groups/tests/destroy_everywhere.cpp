// Each of these programs loses something at every point where it can, and each
// time whoever waits for it hears of that, and nothing is left: no frame and no
// registration.
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "everywhere.hpp"

namespace test_destroy_everywhere {

using namespace test_everywhere;

/// What is destroyed while others hold it or wait for it.
struct Victims {
  std::unique_ptr<Coroutine<>> coroutine;
  std::string heard;
};

Coroutine<> awaits(Victims* victims) {
  const Witness witness;
  try {
    co_await *victims->coroutine;
    victims->heard = "done";
  } catch (const std::exception& error) {
    victims->heard = error.what();
  }
}

/// Returns false if all was over by then.
bool rounds(EventLoop& loop, int count, const AnyTask& task) {
  for (int round = 0; round < count; ++round) {
    if (task.done()) {
      return false;
    }
    loop.run_once();
  }
  return !task.done();
}

TEST_CASE("destroy_everywhere: the coroutine that is awaited") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    int count = 0;
    for (bool in_time = true; in_time; ++count) {
      INFO("after rounds: " << count);
      {
        Victims victims;
        EventLoop loop;
        loop.use_virtual_clock();
        loop.set_exception_handler(ignore);
        victims.coroutine = std::make_unique<Coroutine<>>(program.run());
        const auto task = create_task(awaits(&victims), loop);
        in_time = rounds(loop, count, task);
        victims.coroutine.reset();
        if (count > 0) {
          loop.run_until_complete(task);
          const bool heard = victims.heard == "awaited generator was destroyed";
          CHECK((heard || !in_time || victims.heard == "done"));
        }
        loop.close();
      }
      REQUIRE(Witness::alive == 0);
    }
    CHECK(count > 3);
  }
}

TEST_CASE("destroy_everywhere: the loop") {
  for (const Program& program : programs()) {
    INFO("program: " << std::string(program.name));
    int count = 0;
    for (bool in_time = true; in_time; ++count) {
      INFO("after rounds: " << count);
      Task<> task;
      {
        EventLoop loop;
        loop.use_virtual_clock();
        task = create_task(program.run(), loop);
        loop.set_exception_handler(ignore);
        in_time = rounds(loop, count, task);
        loop.close();
      }
      REQUIRE(Witness::alive == 0);
      CHECK(task.done() == !in_time);
    }
    CHECK(count > 3);
  }
}

Coroutine<> drives(Victims* victims) {
  const Witness witness;
  victims->coroutine->next();
  co_await sleep(1h);
}

TEST_CASE("destroy_everywhere: a scope that was entered by hand") {
  for (const auto scope : {grouped, timed, waits, gathers, talks}) {
    for (int count = 1; count < 12; ++count) {
      {
        Victims victims;
        EventLoop loop;
        loop.use_virtual_clock();
        loop.set_exception_handler(ignore);
        victims.coroutine = std::make_unique<Coroutine<>>(scope());
        const auto task = create_task(drives(&victims), loop);
        rounds(loop, count, task);
        loop.call_soon([&victims] { victims.coroutine.reset(); });
        loop.run_once();
        // Nothing that it has asked for comes for it. A timeout may have come
        // for the task before.
        try {
          loop.run_until_complete(task);
        } catch (const CancelledError&) {
        }
        loop.close();
      }
      REQUIRE(Witness::alive == 0);
    }
  }
}

}  // namespace test_destroy_everywhere
