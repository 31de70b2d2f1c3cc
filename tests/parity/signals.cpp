// Signal handlers: calls in the loop, whenever the process gets a signal.
//
// Stage: 12
#include <unistd.h>

#include <csignal>
#include <semaphore>

#include "parity.hpp"
#include "runners.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

void signal_self(int number) { ::kill(::getpid(), number); }

void never() { say("never said"); }

}  // namespace

PARITY_THREADS(a_handler_is_called_in_the_loop) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future<std::string>();
  loop.add_signal_handler(SIGUSR1, [&] { future.set_result("called"); });
  signal_self(SIGUSR1);
  say("not at once", future.done());
  say(co_await future);
}

PARITY_THREADS(a_handler_is_called_as_often_as_the_signal_comes) {
  EventLoop& loop = get_running_loop();
  for (int i = 0; i < 3; ++i) {
    const auto future = loop.create_future<int>();
    loop.add_signal_handler(SIGUSR1, [future, i] { future.set_result(i); });
    signal_self(SIGUSR1);
    say(co_await future);
  }
}

PARITY_THREADS(the_last_handler_counts) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future<std::string>();
  loop.add_signal_handler(SIGUSR1, never);
  loop.add_signal_handler(SIGUSR1, [&] { future.set_result("replaced"); });
  signal_self(SIGUSR1);
  say(co_await future);
}

PARITY_THREADS(removing_says_whether_there_was_one) {
  EventLoop& loop = get_running_loop();
  say(loop.remove_signal_handler(SIGUSR1));
  loop.add_signal_handler(SIGUSR1, never);
  const bool removed = loop.remove_signal_handler(SIGUSR1);
  say(removed, loop.remove_signal_handler(SIGUSR1));
  co_return;
}

PARITY_THREADS(two_signals_have_two_handlers) {
  EventLoop& loop = get_running_loop();
  const auto one = loop.create_future<std::string>();
  const auto two = loop.create_future<std::string>();
  loop.add_signal_handler(SIGUSR1, [&] { one.set_result("one"); });
  loop.add_signal_handler(SIGUSR2, [&] { two.set_result("two"); });
  signal_self(SIGUSR2);
  const std::string second = co_await two;
  say(second, one.done());
  signal_self(SIGUSR1);
  say(co_await one);
}

PARITY_THREADS(what_cannot_be_caught_is_refused) {
  EventLoop& loop = get_running_loop();
  say(raises([&] { loop.add_signal_handler(SIGKILL, never); }));
  say(loop.remove_signal_handler(SIGKILL));
  co_return;
}

PARITY_THREADS(a_number_that_is_no_signal_is_refused) {
  EventLoop& loop = get_running_loop();
  say(raises([&] { loop.add_signal_handler(12345, never); }) != "nothing");
  co_return;
}

PARITY_THREADS(a_handler_that_raises_is_reported) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future<std::string>();
  loop.add_signal_handler(SIGUSR1, [&] {
    future.set_result("goes on");
    throw ValueError("boom");
  });
  signal_self(SIGUSR1);
  say(co_await future);
}

PARITY_THREADS(a_handler_may_remove_itself) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future<bool>();
  loop.add_signal_handler(SIGUSR1, [&] {
    future.set_result(loop.remove_signal_handler(SIGUSR1));
  });
  signal_self(SIGUSR1);
  const bool removed = co_await future;
  say(removed, loop.remove_signal_handler(SIGUSR1));
}

PARITY_THREADS(a_signal_while_a_thread_runs) {
  EventLoop& loop = get_running_loop();
  const auto future = loop.create_future<std::string>();
  std::counting_semaphore<> go(0);
  const auto hold = [&go] { go.acquire(); };
  const auto call = run_in_executor(None, hold);
  loop.add_signal_handler(SIGUSR1, [&] { future.set_result("called"); });
  co_await to_thread(signal_self, SIGUSR1);
  const std::string called = co_await future;
  say(called, call.done());
  go.release();
  co_await call;
}

PARITY_PLAIN(a_closed_loop_handles_nothing) {
  EventLoop loop;
  loop.add_signal_handler(SIGUSR1, never);
  loop.close();
  const auto add = [&] { loop.add_signal_handler(SIGUSR1, never); };
  say(raises(add) != "nothing");
}
