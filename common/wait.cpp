#include "common/wait.hpp"

#include <cerrno>
#include <cmath>
#include <cstdint>

namespace {

constexpr double longest = 24 * 3600;

}  // namespace

SystemTimeout::SystemTimeout(
    std::optional<std::chrono::duration<double>> timeout
) {
  if (timeout) {
    seconds_ = std::fmax(0.0, std::fmin(timeout->count(), longest));
  }
}

timeval* SystemTimeout::as_timeval() {
  if (!seconds_) {
    return nullptr;
  }
  const auto micros = static_cast<std::int64_t>(std::ceil(*seconds_ * 1e6));
  timeval_.tv_sec = static_cast<time_t>(micros / 1000000);
  timeval_.tv_usec = static_cast<suseconds_t>(micros % 1000000);
  return &timeval_;
}

const timespec* SystemTimeout::as_timespec() {
  if (!seconds_) {
    return nullptr;
  }
  const auto nanos = static_cast<std::int64_t>(std::ceil(*seconds_ * 1e9));
  timespec_.tv_sec = static_cast<time_t>(nanos / 1000000000);
  timespec_.tv_nsec = static_cast<long>(nanos % 1000000000);
  return &timespec_;
}

int SystemTimeout::as_milliseconds() const {
  return seconds_ ? static_cast<int>(std::ceil(*seconds_ * 1e3)) : -1;
}

#ifdef __APPLE__

int ppoll(
    pollfd* fds,
    nfds_t count,
    const timespec* timeout,
    const sigset_t*
) {
  if (timeout == nullptr) {
    return poll(fds, count, -1);
  }
  const auto millis =
      timeout->tv_sec * 1000 + (timeout->tv_nsec + 999999) / 1000000;
  return poll(fds, count, static_cast<int>(millis));
}

#endif

// The thread sanitizer lets a signal wait for the end of a call that it does
// not know, and this one it does not: for ever.
#if defined(__SANITIZE_THREAD__)
#define WITHOUT_EPOLL_PWAIT2
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITHOUT_EPOLL_PWAIT2
#endif
#endif

#ifdef __GLIBC__
#if !__GLIBC_PREREQ(2, 35) || defined(WITHOUT_EPOLL_PWAIT2)

int epoll_pwait2(
    int,
    epoll_event*,
    int,
    const timespec*,
    const sigset_t*
) {
  errno = ENOSYS;
  return -1;
}

#endif
#endif
