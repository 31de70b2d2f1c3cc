// Barrier: all at once, or nobody.
//
// Stage: 13
#include "locks.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<> comes(Barrier* barrier, std::string label) {
  co_await sleep(0s);
  try {
    const int index = co_await barrier->wait();
    say(now(), label, index, barrier->n_waiting(), barrier->broken());
  } catch (const GeneratorExit&) {
    throw;
  } catch (...) {
    say(now(), label, name(std::current_exception()), barrier->n_waiting(),
        barrier->broken());
  }
}

std::vector<Task<>> start(Barrier* barrier, std::vector<std::string> labels) {
  std::vector<Task<>> tasks;
  for (const std::string& label : labels) {
    tasks.push_back(create_task(comes(barrier, label)));
  }
  return tasks;
}

void add(std::vector<Task<>>& tasks, const std::vector<Task<>>& more) {
  tasks.insert(tasks.end(), more.begin(), more.end());
}

}  // namespace

PARITY(all_go_on_when_the_last_one_comes) {
  Barrier barrier(3);
  say(barrier.parties(), barrier.n_waiting(), barrier.broken());
  auto tasks = start(&barrier, {"a", "b"});
  co_await sleep(1s);
  say(barrier.n_waiting());
  add(tasks, start(&barrier, {"c"}));
  co_await gather(tasks);
}

PARITY(one_is_enough_for_itself) {
  Barrier barrier(1);
  co_await comes(&barrier, "a");
  co_await comes(&barrier, "b");
}

PARITY(at_least_one) {
  for (const int parties : {0, -1}) {
    try {
      Barrier barrier(parties);
    } catch (const std::invalid_argument&) {
      say(name(std::current_exception()));
    }
  }
  co_return;
}

PARITY(in_rounds) {
  Barrier barrier(2);
  const auto tasks = start(&barrier, {"a", "b", "c", "d", "e", "f"});
  co_await gather(tasks);
  say(barrier.n_waiting(), barrier.broken());
}

PARITY(the_next_ones_wait_until_it_has_drained) {
  Barrier barrier(3);
  auto tasks = start(&barrier, {"a", "b", "c", "d", "e"});
  co_await sleep(1s);
  say(barrier.n_waiting());
  add(tasks, start(&barrier, {"f"}));
  co_await gather(tasks);
}

PARITY(reset_turns_away_who_waits) {
  Barrier barrier(3);
  auto tasks = start(&barrier, {"a", "b"});
  co_await sleep(1s);
  co_await barrier.reset();
  add(tasks, start(&barrier, {"c", "d", "e"}));
  co_await gather(tasks);
  co_await barrier.reset();
  say(barrier.n_waiting(), barrier.broken());
}

PARITY(abort_turns_away_everybody) {
  Barrier barrier(3);
  auto tasks = start(&barrier, {"a", "b"});
  co_await sleep(1s);
  co_await barrier.abort();
  say(barrier.broken(), barrier.n_waiting());
  add(tasks, start(&barrier, {"c"}));
  co_await gather(tasks);
  co_await barrier.reset();
  say(barrier.broken());
  const auto others = start(&barrier, {"d", "e", "f"});
  co_await gather(others);
}

PARITY(reset_while_it_drains) {
  Barrier barrier(2);
  const auto tasks = start(&barrier, {"a", "b"});
  co_await sleep(0s);
  co_await sleep(0s);
  co_await barrier.reset();
  co_await gather(tasks);
  say(barrier.n_waiting(), barrier.broken());
}

PARITY(a_cancelled_one_was_not_there) {
  Barrier barrier(2);
  const auto tasks = start(&barrier, {"a"});
  co_await sleep(1s);
  tasks[0].cancel("stop");
  co_await sleep(1s);
  say(barrier.n_waiting());
  const auto others = start(&barrier, {"b", "c"});
  co_await gather(others);
}

PARITY(cancelled_as_it_opens) {
  Barrier barrier(2);
  const auto tasks = start(&barrier, {"a", "b", "c"});
  co_await sleep(0s);
  co_await sleep(0s);
  tasks[0].cancel();
  co_await sleep(1s);
  say(barrier.n_waiting(), barrier.broken());
  const auto others = start(&barrier, {"d"});
  co_await gather(others);
}

namespace {

Coroutine<> inside(Barrier* barrier, std::string label) {
  say(now(), label, "inside", barrier->n_waiting());
  co_return;
}

}  // namespace

PARITY(as_a_scope) {
  Barrier barrier(2);
  const auto first = create_task(async_with(barrier, inside(&barrier, "a")));
  co_await sleep(1s);
  co_await async_with(barrier, inside(&barrier, "b"));
  co_await first;
}
