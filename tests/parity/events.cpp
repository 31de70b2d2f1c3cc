// Event: set, cleared, and both before anybody looks.
//
// Stage: 13
#include "locks.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<> waits(Event* event, std::string label) {
  bool result = false;
  try {
    result = co_await event->wait();
  } catch (const CancelledError&) {
    say(now(), label, name(std::current_exception()));
    throw;
  }
  say(now(), label, result, event->is_set());
}

std::vector<Task<>> start(Event* event, std::vector<std::string> labels) {
  std::vector<Task<>> tasks;
  for (const std::string& label : labels) {
    tasks.push_back(create_task(waits(event, label)));
  }
  return tasks;
}

}  // namespace

PARITY(set_wakes_all) {
  Event event;
  const auto tasks = start(&event, {"a", "b", "c"});
  co_await sleep(1s);
  say(event.is_set());
  event.set();
  say(event.is_set());
  co_await gather(tasks);
}

PARITY(one_that_is_set_is_no_wait) {
  Event event;
  event.set();
  const bool result = co_await event.wait();
  say(result);
  event.set();
  event.clear();
  say(event.is_set());
  const auto task = start(&event, {"waits"})[0];
  co_await sleep(2s);
  event.set();
  co_await task;
}

PARITY(set_and_cleared_at_once) {
  Event event;
  const auto tasks = start(&event, {"a", "b"});
  co_await sleep(1s);
  event.set();
  event.clear();
  co_await gather(tasks);
  say(event.is_set());
}

PARITY(who_comes_after_the_clear_waits_on) {
  Event event;
  auto tasks = start(&event, {"before"});
  co_await sleep(1s);
  event.set();
  event.clear();
  tasks.push_back(start(&event, {"after"})[0]);
  co_await sleep(1s);
  say("again");
  event.set();
  co_await gather(tasks);
}

PARITY(a_cancelled_waiter_is_not_woken) {
  Event event;
  const auto tasks = start(&event, {"a", "b"});
  co_await sleep(1s);
  tasks[0].cancel("stop");
  event.set();
  co_await wait(tasks);
  say(tasks[0].cancelled(), tasks[1].cancelled());
}

PARITY(cancelled_as_it_is_woken) {
  Event event;
  const auto tasks = start(&event, {"a", "b"});
  co_await sleep(1s);
  event.set();
  tasks[0].cancel();
  co_await wait(tasks);
  say(tasks[0].cancelled(), tasks[1].cancelled());
}
