// Waiting for many descriptors at once. A selector tells only of those that are
// registered, and only what they are registered for.
// (CPython: Lib/selectors.py)
#pragma once

#include <fcntl.h>
#include <sys/select.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "common/net.hpp"
#include "common/wait.hpp"

namespace asyncio {

/// How long, in Python's unit. Every std::chrono duration converts to it.
using Seconds = std::chrono::duration<double>;

/// What to wait for, and what has happened; to be combined with |.
inline constexpr int EVENT_READ = 1;
inline constexpr int EVENT_WRITE = 2;

/// A descriptor and what it is watched for. (selectors.SelectorKey)
struct SelectorKey {
  int fd;
  int events;
};

/// Waits for many descriptors at once with select(2).
/// (selectors.SelectSelector)
class SelectSelector {
 public:
  /// A key, and those of its events that have happened.
  using Ready = std::vector<std::pair<SelectorKey, int>>;

  SelectSelector() {
    FD_ZERO(&read_);
    FD_ZERO(&write_);
  }

  /// Begins to watch `fd`. Throws std::invalid_argument if it is watched
  /// already or cannot be.
  void register_(int fd, int events) {
    if (keys_.count(fd) > 0) {
      throw std::invalid_argument(name(fd) + " is already registered");
    }
    check(fd, events);
    keys_.insert({fd, SelectorKey{fd, events}});
    update(fd, events);
  }

  /// Stops watching `fd`. Throws std::out_of_range if it is not watched.
  void unregister(int fd) {
    if (keys_.erase(fd) == 0) {
      throw std::out_of_range(name(fd) + " is not registered");
    }
    update(fd, 0);
  }

  /// Watches `fd` for other events from now on. Throws as the two above.
  void modify(int fd, int events) {
    if (keys_.count(fd) == 0) {
      throw std::out_of_range(name(fd) + " is not registered");
    }
    check(fd, events);
    keys_.at(fd).events = events;
    update(fd, events);
  }

  /// Says that `fd` is about to be closed, whether it is watched or not.
  void forget(int fd) {
    if (keys_.count(fd) > 0) {
      unregister(fd);
    }
  }

  /// All that are watched, by descriptor. (BaseSelector.get_map)
  const std::unordered_map<int, SelectorKey>& get_map() const { return keys_; }

  /// Sleeps until a descriptor is ready or `timeout` has passed; without a
  /// timeout for as long as it takes. Returns those that are ready, none if
  /// a signal came. Throws std::system_error. (select(2))
  Ready select(std::optional<Seconds> timeout) {
    fd_set read = read_;
    fd_set write = write_;
    int count = wait(&read, &write, timeout);
    Ready ready;
    if (count < 0 && errno == EBADF) {
      ready = closed(&read, &write);
      count = wait(&read, &write, Seconds(0));
    }
    if (count < 0 && errno != EINTR) {
      throw_errno("select");
    }
    for (int fd = 0; count > 0 && fd < width_; ++fd) {
      const int events = events_of(fd, &read, &write);
      if (events != 0) {
        ready.push_back({keys_.at(fd), events});
      }
    }
    return ready;
  }

 private:
  static std::string name(int fd) {
    return "descriptor " + std::to_string(fd);
  }

  // An fd_set is a fixed array of bits: FD_SET past its end writes elsewhere.
  static void check(int fd, int events) {
    if (events == 0 || (events & ~(EVENT_READ | EVENT_WRITE)) != 0) {
      throw std::invalid_argument("invalid events: " + std::to_string(events));
    }
    if (fd < 0 || fd >= FD_SETSIZE) {
      throw std::invalid_argument(
          name(fd) + " is out of range for select() (FD_SETSIZE is " +
          std::to_string(FD_SETSIZE) + ")");
    }
  }

  void update(int fd, int events) {
    FD_CLR(fd, &read_);
    FD_CLR(fd, &write_);
    if (events & EVENT_READ) {
      FD_SET(fd, &read_);
    }
    if (events & EVENT_WRITE) {
      FD_SET(fd, &write_);
    }
    width_ = std::max(width_, fd + 1);
  }

  // Without a timeout for as long as it takes.
  int wait(fd_set* read, fd_set* write, std::optional<Seconds> timeout) const {
    SystemTimeout time(timeout);
    return ::select(width_, read, write, nullptr, time.as_timeval());
  }

  static int events_of(int fd, const fd_set* read, const fd_set* write) {
    int events = 0;
    if (FD_ISSET(fd, read)) {
      events |= EVENT_READ;
    }
    if (FD_ISSET(fd, write)) {
      events |= EVENT_WRITE;
    }
    return events;
  }

  // One that was closed while it is watched counts as ready: whoever reads or
  // writes it then gets the error. The sets become those of all others.
  Ready closed(fd_set* read, fd_set* write) const {
    Ready ready;
    *read = read_;
    *write = write_;
    for (const auto& [fd, key] : keys_) {
      if (::fcntl(fd, F_GETFD) < 0) {
        ready.push_back({key, key.events});
        FD_CLR(fd, read);
        FD_CLR(fd, write);
      }
    }
    return ready;
  }

  std::unordered_map<int, SelectorKey> keys_;
  fd_set read_;
  fd_set write_;
  int width_ = 0;
};

}  // namespace asyncio
