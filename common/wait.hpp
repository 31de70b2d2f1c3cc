// Waiting for descriptors, with a timeout that no system rounds down.
#pragma once

#include <cstddef>
#include <optional>

#include <poll.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

/// poll(2), for so many seconds at most; without a number for as long as it
/// takes. Takes any std::chrono duration in seconds.
int poll_seconds(pollfd* fds, std::size_t count, std::optional<double> seconds);

template <class Duration>
int poll_for(
    pollfd* fds,
    std::size_t count,
    const std::optional<Duration>& timeout
) {
  return poll_seconds(
      fds,
      count,
      timeout ? std::optional<double>(timeout->count()) : std::nullopt
  );
}

#ifdef __linux__

/// epoll_pwait2(2), or where that is missing epoll_wait(2), which knows
/// milliseconds only: the timeout as for poll_seconds.
int epoll_wait_seconds(
    int epoll,
    epoll_event* events,
    int count,
    std::optional<double> seconds
);

template <class Duration>
int epoll_wait_for(
    int epoll,
    epoll_event* events,
    int count,
    const std::optional<Duration>& timeout
) {
  return epoll_wait_seconds(
      epoll,
      events,
      count,
      timeout ? std::optional<double>(timeout->count()) : std::nullopt
  );
}

#endif
