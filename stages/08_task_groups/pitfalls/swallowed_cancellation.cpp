// A loop that must never end catches every exception, CancelledError included.
// The timeout around it cancels once and never again, so the scope lasts as
// long as its body likes. It does not even throw TimeoutError.
//
// Cure: let CancelledError pass. `catch (const std::exception&)` does not catch
// it; code that has to clean up catches it and throws it again.
//
// Prints:
//   swallowed: connection lost, connection lost, the body ended after 0.5 s
//   let pass: connection lost, TimeoutError after 0.3 s
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> poll_server() {
  co_await sleep(200ms);
  throw std::runtime_error("connection lost");
}

static Coroutine<> swallowing() {
  for (int attempt = 1; attempt <= 3; ++attempt) {
    try {
      co_await poll_server();
    } catch (const std::exception& error) {
      std::printf(" %s,", error.what());
    } catch (...) {
    }
  }
}

static Coroutine<> letting_pass() {
  for (int attempt = 1; attempt <= 3; ++attempt) {
    try {
      co_await poll_server();
    } catch (const std::exception& error) {
      std::printf(" %s,", error.what());
    }
  }
}

static Coroutine<> limited(const char* title, Coroutine<> body) {
  const char* end = "the body ended";
  const Seconds start = get_running_loop().time();
  std::printf("%s:", title);
  try {
    co_await async_with(timeout(300ms), std::move(body));
  } catch (const TimeoutError&) {
    end = "TimeoutError";
  }
  const Seconds passed = get_running_loop().time() - start;
  std::printf(" %s after %.1f s\n", end, passed.count());
}

static Coroutine<> both() {
  co_await limited("swallowed", swallowing());
  co_await limited("let pass", letting_pass());
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
