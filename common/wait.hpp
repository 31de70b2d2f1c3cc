// A timeout in the units of the system calls that wait, and those of these
// calls that some system lacks.
#pragma once

#include <chrono>
#include <ctime>
#include <optional>

#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

/// Rounded up: to wake before the time has come would mean to wake twice. At
/// most a day, and never below 0: some systems refuse longer waits, and nobody
/// minds being woken once a day.
class SystemTimeout {
 public:
  /// Without a number for as long as it takes.
  explicit SystemTimeout(std::optional<std::chrono::duration<double>> timeout);

  /// For select(), which may write to it; nullptr for as long as it takes.
  timeval* as_timeval();

  /// For ppoll(), epoll_pwait2() and kevent(), in the same way.
  const timespec* as_timespec();

  /// For poll() and epoll_wait(); -1 for as long as it takes.
  int as_milliseconds() const;

 private:
  std::optional<double> seconds_;
  timeval timeval_ = {};
  timespec timespec_ = {};
};

#ifdef __APPLE__
/// macOS has none: poll(), in milliseconds. `mask` has to be nullptr.
int ppoll(
    pollfd* fds,
    nfds_t count,
    const timespec* timeout,
    const sigset_t* mask
);
#endif

#ifdef __GLIBC__
#if !__GLIBC_PREREQ(2, 35)
/// As if the kernel had none: -1, and errno is ENOSYS.
int epoll_pwait2(
    int epoll,
    epoll_event* events,
    int count,
    const timespec* timeout,
    const sigset_t* mask
);
#endif
#endif
