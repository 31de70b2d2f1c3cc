// The remaining time is cut down to whole seconds before it goes to select().
// During the last second it is 0, which means "do not wait": the loop calls
// select() again and again, as fast as it can. poll() and epoll_wait() count in
// milliseconds: there, the same mistake makes the last millisecond spin.
//
// Cure: pass select() microseconds, and round up. A loop that wakes too early
// has to wait a second time.
//
// Prints:
//   cut down to seconds: more than 1000 calls of select()
//   rounded up: 1 call of select()
#include <sys/select.h>

#include <chrono>
#include <cmath>
#include <cstdio>

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

static timeval cut_down(Seconds left) {
  timeval time = {};
  time.tv_sec = static_cast<int>(left.count());
  return time;
}

static timeval rounded_up(Seconds left) {
  const auto micros = static_cast<long>(std::ceil(left.count() * 1e6));
  timeval time = {};
  time.tv_sec = micros / 1000000;
  time.tv_usec = micros % 1000000;
  return time;
}

static long wait(Seconds delay, timeval (*to_timeval)(Seconds)) {
  const auto deadline = Clock::now() + delay;
  long calls = 0;
  while (Clock::now() < deadline) {
    timeval timeout = to_timeval(deadline - Clock::now());
    ::select(0, nullptr, nullptr, nullptr, &timeout);
    ++calls;
  }
  return calls;
}

int main() {
  const Seconds delay(1.2);
  const bool spins = wait(delay, cut_down) > 1000;
  std::printf("cut down to seconds: %s calls of select()\n",
              spins ? "more than 1000" : "few");
  std::printf("rounded up: %ld call of select()\n", wait(delay, rounded_up));
}
