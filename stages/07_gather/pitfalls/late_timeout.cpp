// wait_for() cancels a coroutine that takes too long, and waits until it has
// ended. It cancels only once. If the coroutine catches CancelledError and
// tries again, two seconds become thirteen, and there is no TimeoutError at
// all.
//
// Cure: throw CancelledError again. (And name the exceptions that you expect:
// `catch (...)` catches CancelledError as well.)
//
// Prints:
//   tries again: the answer after 13 s
//   lets it pass: too late after 2 s
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> connect(int attempt) {
  co_await sleep(4s);
  if (attempt < 2) {
    throw std::runtime_error("no answer");
  }
}

static Coroutine<> tries_again() {
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      co_await connect(attempt);
      co_return;
    } catch (...) {
    }
    co_await sleep(1500ms);
  }
}

static Coroutine<> lets_it_pass() {
  for (int attempt = 0; attempt < 3; ++attempt) {
    try {
      co_await connect(attempt);
      co_return;
    } catch (const std::exception&) {
    }
    co_await sleep(1500ms);
  }
}

static Coroutine<> try_it(const char* what, Coroutine<> connecting) {
  const char* outcome = "the answer";
  try {
    co_await wait_for(std::move(connecting), 2s);
  } catch (const TimeoutError&) {
    outcome = "too late";
  }
  std::printf("%s: %s after %g s\n", what, outcome,
              get_running_loop().time().count());
}

static void run_virtual(Coroutine<> main) {
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(std::move(main));
}

int main() {
  run_virtual(try_it("tries again", tries_again()));
  run_virtual(try_it("lets it pass", lets_it_pass()));
}
