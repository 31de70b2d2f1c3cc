// The time that is left is cut down to whole seconds before it goes to
// select(). The last second becomes 0, which means "do not wait": the loop
// asks, and asks again, as fast as it can. Cut down to milliseconds it is the
// last millisecond that spins, as poll() and epoll_wait() invite one to do.
//
// Cure: give select() all it can take, microseconds, and round up. Whoever
// wakes too early has to wait a second time.
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
