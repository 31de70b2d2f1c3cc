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
  std::unique_ptr<TaskGroup> group = std::make_unique<TaskGroup>();
  std::unique_ptr<Timeout> timeout = std::make_unique<Timeout>(1500ms);
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

Coroutine<> hears(Victims* victims, Coroutine<> scope) {
  const Witness witness;
  try {
    co_await scope;
    victims->heard = "done";
  } catch (const std::exception& error) {
    victims->heard = error.what();
  }
}

Coroutine<> in_group(Victims* victims) {
  TaskGroup* const group = victims->group.get();
  return hears(victims, async_with(*group, begins_three(group)));
}

Coroutine<> in_timeout(Victims* victims) {
  return hears(victims, async_with(*victims->timeout, sleeps()));
}

/// Returns whether the scope was still open.
Coroutine<bool> destroys_managers(Victims* victims) {
  victims->group.reset();
  victims->timeout.reset();
  co_return victims->heard.empty();
}

enum class Then { nothing, cancelled, closed };

/// Returns false if all was over before.
bool destroy_managers(
    Coroutine<> (*scope)(Victims*),
    int count,
    Then then,
    const std::string& message
) {
  Victims victims;
  EventLoop loop;
  loop.use_virtual_clock();
  loop.set_exception_handler(ignore);
  const auto task = create_task(scope(&victims), loop);
  rounds(loop, count, task);
  const auto destroyer = create_task(destroys_managers(&victims), loop);
  loop.run_once();
  const bool was_open = destroyer.result();
  if (then == Then::closed) {
    loop.close();
    return was_open;
  }
  if (then == Then::cancelled) {
    task.cancel();
  }
  loop.run_until_idle();
  CHECK((!was_open || victims.heard == message));
  CHECK((was_open || task.done()));
  return was_open;
}

void destroy_managers_everywhere(
    Coroutine<> (*scope)(Victims*),
    const std::string& message
) {
  for (const Then then : {Then::nothing, Then::cancelled, Then::closed}) {
    INFO("and then: " << static_cast<int>(then));
    int count = 1;
    for (bool was_open = true; was_open; ++count) {
      INFO("after rounds: " << count);
      was_open = destroy_managers(scope, count, then, message);
      REQUIRE(Witness::alive == 0);
    }
    CHECK(count > 3);
  }
}

TEST_CASE("destroy_everywhere: the group, by another task") {
  destroy_managers_everywhere(in_group, "TaskGroup was destroyed");
}

TEST_CASE("destroy_everywhere: the timeout, by another task") {
  destroy_managers_everywhere(in_timeout, "Timeout was destroyed");
}

}  // namespace test_destroy_everywhere
