#include "common/wait.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <ctime>

namespace {

// A day: nobody minds being woken once in one.
constexpr double longest = 24 * 3600;

double within_reason(double seconds) {
  return std::fmax(0.0, std::fmin(seconds, longest));
}

#if defined(__APPLE__) || defined(__linux__)
int milliseconds(const std::optional<double>& seconds) {
  if (!seconds) {
    return -1;
  }
  return static_cast<int>(std::ceil(within_reason(*seconds) * 1e3));
}
#endif

#ifndef __APPLE__
// Rounded up to the next nanosecond.
timespec to_timespec(double seconds) {
  const double nanoseconds = std::ceil(within_reason(seconds) * 1e9);
  timespec time = {};
  time.tv_sec = static_cast<time_t>(nanoseconds / 1e9);
  time.tv_nsec =
      static_cast<long>(nanoseconds - static_cast<double>(time.tv_sec) * 1e9);
  return time;
}
#endif

}  // namespace

#ifdef __APPLE__

int poll_seconds(
    pollfd* fds,
    std::size_t count,
    std::optional<double> seconds
) {
  return poll(fds, static_cast<nfds_t>(count), milliseconds(seconds));
}

#else

int poll_seconds(
    pollfd* fds,
    std::size_t count,
    std::optional<double> seconds
) {
  timespec time = {};
  if (seconds) {
    time = to_timespec(*seconds);
  }
  return ppoll(
      fds, static_cast<nfds_t>(count), seconds ? &time : nullptr, nullptr
  );
}

#endif

#ifdef __linux__

int epoll_wait_seconds(
    int epoll,
    epoll_event* events,
    int count,
    std::optional<double> seconds
) {
#if __GLIBC_PREREQ(2, 35)
  // Kernels before 5.11 do not have it, nor has Debian 12's valgrind.
  static bool missing = false;
  if (!missing) {
    timespec time = {};
    if (seconds) {
      time = to_timespec(*seconds);
    }
    const int ready = epoll_pwait2(
        epoll, events, count, seconds ? &time : nullptr, nullptr
    );
    if (ready >= 0 || errno != ENOSYS) {
      return ready;
    }
    missing = true;
  }
#endif
  return epoll_wait(epoll, events, count, milliseconds(seconds));
}

#endif
