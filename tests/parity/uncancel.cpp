// Counting cancellations: who asked, and whether it is settled.
//
// Stage: 08
#include <csignal>

#include "parity.hpp"
#include "runners.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<> sleeper() {
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    say(now(), "counted", current_task().cancelling());
    throw;
  }
}

Coroutine<> report(Task<> task) {
  try {
    co_await task;
    say("returned");
  } catch (const CancelledError&) {
    say(name(std::current_exception()));
  }
  const AnyTask any = task;
  say("cancelled", any.cancelled(), "counted", any.cancelling());
}

}  // namespace

PARITY(each_request_counts) {
  auto task = create_task(sleeper());
  const AnyTask any = task;
  say("counted", any.cancelling());
  co_await sleep(1s);
  for (int i = 0; i < 3; ++i) {
    task.cancel();
    say("counted", any.cancelling());
  }
  co_await report(task);
  const bool late = task.cancel();
  say("too late:", late, "counted", any.cancelling());
}

PARITY(uncancel_stops_at_zero) {
  auto task = create_task(sleeper());
  const AnyTask any = task;
  co_await sleep(0s);
  say("uncancel", any.uncancel());
  task.cancel();
  task.cancel();
  for (int i = 0; i < 3; ++i) {
    say("uncancel", any.uncancel());
  }
  co_await report(task);
}

namespace {

Coroutine<> swallows(bool settle) {
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    if (settle) {
      say("uncancel", current_task().uncancel());
    }
  }
  co_await sleep(1s);
  say(now(), "goes on");
}

}  // namespace

PARITY(what_is_swallowed_still_counts) {
  auto task = create_task(swallows(false));
  co_await sleep(1s);
  task.cancel();
  co_await report(task);
}

PARITY(unless_it_is_settled) {
  auto task = create_task(swallows(true));
  co_await sleep(1s);
  task.cancel();
  co_await report(task);
}

namespace {

/// Cancels itself, and wants to hear no more of it.
Coroutine<> gives_up_after(Seconds delay) {
  const AnyTask task = current_task();
  EventLoop& loop = get_running_loop();
  auto timer = loop.call_later(delay, [=] { task.cancel(); });
  const Finally cleanup([&] { timer.cancel(); });
  try {
    co_await sleep(10s);
  } catch (const CancelledError&) {
    if (task.uncancel() > 0) {
      say(now(), "somebody else asked, too");
      throw;
    }
    say(now(), "gave up");
  }
}

}  // namespace

PARITY(its_own_request_and_nobody_elses) {
  auto task = create_task(gives_up_after(1s));
  co_await report(task);
  task = create_task(gives_up_after(1s));
  get_running_loop().call_later(1s, [=] { task.cancel(); });
  co_await report(task);
}

namespace {

void cancel(const AnyTask& task, int times) {
  for (int i = 0; i < times; ++i) {
    task.cancel();
  }
}

Coroutine<> interrupted(int others) {
  const AnyTask task = current_task();
  get_running_loop().call_soon([=] { cancel(task, others); });
  std::raise(SIGINT);
  co_await sleep(10s);
}

void run_interrupted(int others) {
  Runner runner;
  prepare(runner.get_loop());
  try {
    runner.run(interrupted(others));
  } catch (const KeyboardInterrupt&) {
    say("KeyboardInterrupt");
  } catch (const CancelledError&) {
    say("CancelledError");
  }
}

}  // namespace

PARITY_PLAIN(ctrl_c_alone_is_a_keyboard_interrupt) {
  run_interrupted(0);
}

PARITY_PLAIN(ctrl_c_beside_another_request_is_not) {
  run_interrupted(1);
}
