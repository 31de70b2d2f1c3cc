// On the real clock. How late a tick is, is the machine's affair; that it is
// not early, and that the loop sleeps in between, is ours.
#include <cmath>
#include <cstdint>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "ticker.hpp"

namespace test_never_early {

using namespace asyncio;
using namespace std::chrono_literals;

constexpr int count = 10;

Coroutine<> listen(double* earliest, int* ticks) {
  const Seconds before = get_running_loop().time();
  Ticker ticker(5ms);
  while (*ticks < count) {
    const std::int64_t number = co_await ticker.next();
    const Seconds due = before + static_cast<double>(number) * Seconds(5ms);
    const Seconds off = get_running_loop().time() - due;
    *earliest = std::fmin(*earliest, off.count());
    ++*ticks;
  }
}

Coroutine<> listen_to_the_end(double* earliest, int* ticks, bool* ended) {
  try {
    co_await listen(earliest, ticks);
  } catch (...) {
    *ended = true;
    throw;
  }
  *ended = true;
}

TEST_CASE("never_early: not before its time, and asleep until then") {
  EventLoop loop;
  double earliest = 1;
  int ticks = 0;
  int rounds = 0;
  bool ended = false;
  create_task(listen_to_the_end(&earliest, &ticks, &ended), loop);
  while (!ended && rounds < 1000) {
    loop.run_once();
    ++rounds;
  }
  CHECK(ticks == count);
  CHECK(earliest > -1e-9);
  CHECK(rounds <= 3 * count + 2);
}

}  // namespace test_never_early
