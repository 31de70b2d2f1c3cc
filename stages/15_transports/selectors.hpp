// Waiting for many descriptors at once. A selector tells only of those that are
// registered, and only what they are registered for.
// (CPython: Lib/selectors.py)
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/select.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#include <algorithm>
#include <any>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "common/kqueue.hpp"
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
  /// What was registered: here always the descriptor itself.
  int fileobj = -1;
  /// Whatever came with it, for whoever waits.
  std::any data = {};
};

// ---- What all of them share ----

/// Waits for many descriptors at once. How, is each system's own affair.
/// (selectors.BaseSelector)
class BaseSelector {
 public:
  /// A key, and those of its events that have happened.
  using Ready = std::vector<std::pair<SelectorKey, int>>;

  BaseSelector() = default;
  BaseSelector(const BaseSelector&) = delete;
  BaseSelector& operator=(const BaseSelector&) = delete;
  virtual ~BaseSelector() = default;

  /// Begins to watch `fd`. Returns its key. Throws std::invalid_argument if it
  /// is watched already or cannot be. (BaseSelector.register)
  const SelectorKey& register_(int fd, int events, std::any data = {}) {
    if (keys_.count(fd) > 0) {
      throw std::invalid_argument(name(fd) + " is already registered");
    }
    check(fd, events);
    keys_[fd] = SelectorKey{fd, events, fd, std::move(data)};
    try {
      update(fd, events);
    } catch (...) {
      keys_.erase(fd);
      throw;
    }
    return keys_.at(fd);
  }

  /// Stops watching `fd`. Returns the key that it had. Throws
  /// std::out_of_range if it is not watched. (BaseSelector.unregister)
  SelectorKey unregister(int fd) {
    const SelectorKey key = get_key(fd);
    keys_.erase(fd);
    update(fd, 0);
    return key;
  }

  /// Watches `fd` for other events from now on, and replaces the data. Returns
  /// the key. Throws as the two above. (BaseSelector.modify)
  const SelectorKey& modify(int fd, int events, std::any data = {}) {
    if (keys_.count(fd) == 0) {
      throw std::out_of_range(name(fd) + " is not registered");
    }
    check(fd, events);
    update(fd, events);
    return keys_[fd] = SelectorKey{fd, events, fd, std::move(data)};
  }

  /// Says that forget(fd) will come before `fd` is closed: until then a
  /// selector may leave the kernel as it is when `fd` is unregistered.
  virtual void expect_forget(int) {}

  /// Says that `fd` is about to be closed, whether it is watched or not.
  virtual void forget(int fd) {
    if (keys_.count(fd) > 0) {
      unregister(fd);
    }
  }

  /// All that are watched, by descriptor. (BaseSelector.get_map)
  const std::unordered_map<int, SelectorKey>& get_map() const { return keys_; }

  /// Throws std::out_of_range if `fd` is not watched. (BaseSelector.get_key)
  const SelectorKey& get_key(int fd) const {
    if (keys_.count(fd) == 0) {
      throw std::out_of_range(name(fd) + " is not registered");
    }
    return keys_.at(fd);
  }

  /// Sleeps until a descriptor is ready or `timeout` has passed; without a
  /// timeout for as long as it takes. Returns those that are ready, none if
  /// a signal came. Throws std::system_error. (BaseSelector.select)
  virtual Ready select(std::optional<Seconds> timeout) = 0;

  /// Stops watching everything. (BaseSelector.close)
  virtual void close() {
    while (!keys_.empty()) {
      forget(keys_.begin()->first);
    }
  }

 protected:
  /// Throws std::invalid_argument for what cannot be watched.
  virtual void check(int fd, int events) const {
    if (events == 0 || (events & ~(EVENT_READ | EVENT_WRITE)) != 0) {
      throw std::invalid_argument("invalid events: " + std::to_string(events));
    }
    if (fd < 0) {
      throw std::invalid_argument("invalid descriptor: " + std::to_string(fd));
    }
  }

  /// From now on `fd` is to be watched for `events`, or with 0 not at all.
  virtual void update(int fd, int events) = 0;

  static std::string name(int fd) {
    return "descriptor " + std::to_string(fd);
  }

  std::unordered_map<int, SelectorKey> keys_;
};

// ---- select ----

/// Asks with select(2), which looks at all of them each time, and at none from
/// FD_SETSIZE on. (selectors.SelectSelector)
class SelectSelector : public BaseSelector {
 public:
  SelectSelector() {
    FD_ZERO(&read_);
    FD_ZERO(&write_);
  }

  Ready select(std::optional<Seconds> timeout) override {
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
  // An fd_set is a fixed array of bits: FD_SET past its end writes elsewhere.
  void check(int fd, int events) const override {
    BaseSelector::check(fd, events);
    if (fd >= FD_SETSIZE) {
      throw std::invalid_argument(
          name(fd) + " is out of range for select() (FD_SETSIZE is " +
          std::to_string(FD_SETSIZE) + ")");
    }
  }

  void update(int fd, int events) override {
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

  fd_set read_;
  fd_set write_;
  int width_ = 0;
};

// ---- poll ----

/// Asks with poll(2): one array of those that are watched, however high their
/// numbers. (selectors.PollSelector)
class PollSelector : public BaseSelector {
 public:
  Ready select(std::optional<Seconds> timeout) override {
    SystemTimeout time(timeout);
    int count = ::ppoll(fds_.data(), fds_.size(), time.as_timespec(), nullptr);
    if (count < 0 && errno != EINTR) {
      throw_errno("poll");
    }
    Ready ready;
    for (std::size_t i = 0; count > 0 && i < fds_.size(); ++i) {
      if (fds_[i].revents == 0) {
        continue;
      }
      const SelectorKey& key = keys_.at(fds_[i].fd);
      const int events = events_of(fds_[i]) & key.events;
      if (events != 0) {
        ready.push_back({key, events});
      }
      --count;
    }
    return ready;
  }

 private:
  // An error or a hang-up comes unasked, and is for both.
  static int events_of(const pollfd& answer) {
    int events = 0;
    if (answer.revents & ~POLLOUT) {
      events |= EVENT_READ;
    }
    if (answer.revents & ~POLLIN) {
      events |= EVENT_WRITE;
    }
    return events;
  }

  // One that has none is put at the end.
  std::size_t place_of(int fd) {
    const auto known = places_.find(fd);
    if (known != places_.end()) {
      return known->second;
    }
    fds_.push_back(pollfd{fd, 0, 0});
    try {
      places_.insert({fd, fds_.size() - 1});
    } catch (...) {
      fds_.pop_back();
      throw;
    }
    return fds_.size() - 1;
  }

  void update(int fd, int events) override {
    const std::size_t place = place_of(fd);
    if (events == 0) {
      // The last one moves to the place that becomes free.
      places_.at(fds_.back().fd) = place;
      fds_[place] = fds_.back();
      fds_.pop_back();
      places_.erase(fd);
      return;
    }
    int wanted = 0;
    if (events & EVENT_READ) {
      wanted |= POLLIN;
    }
    if (events & EVENT_WRITE) {
      wanted |= POLLOUT;
    }
    fds_[place].events = static_cast<short>(wanted);
  }

  std::vector<pollfd> fds_;
  std::unordered_map<int, std::size_t> places_;
};

// ---- Kernels that keep the list ----

/// For a kernel that keeps the list of those that are watched: it is told at
/// once whom to watch, and no sooner than it must be whom to watch no longer.
class LazySelector : public BaseSelector {
 public:
  void expect_forget(int fd) override { expected_.insert(fd); }

  /// A kernel does not say when it forgets what is closed, and epoll does so
  /// only with the last duplicate.
  void forget(int fd) override {
    expected_.erase(fd);
    BaseSelector::forget(fd);
    tell_kernel(fd, 0);
  }

 protected:
  /// Has the kernel watch `fd` for `wanted` instead of `known`, and notes that
  /// there. Throws std::system_error if it refuses; what cannot be taken back
  /// is gone already.
  virtual void change(int fd, int& known, int wanted) = 0;

  /// To be called before each wait.
  void end_rests() {
    for (const int fd : resting_) {
      if (keys_.count(fd) == 0) {
        tell_kernel(fd, 0);
      }
    }
    resting_.clear();
  }

  /// Of what the kernel has found, only what somebody waits for.
  void add_ready(Ready& ready, int fd, int events) const {
    const auto key = keys_.find(fd);
    if (key != keys_.end() && (events & key->second.events)) {
      ready.push_back({key->second, events & key->second.events});
    }
  }

 private:
  // A coroutine that waits, reads and waits again would tell the kernel twice
  // for each message. So one that will be forgotten in time may rest instead
  // of being taken back: most are wanted again before the next wait.
  void update(int fd, int events) override {
    if (events == 0 && expected_.count(fd) > 0) {
      try {
        resting_.push_back(fd);
        return;
      } catch (const std::bad_alloc&) {
        // Taking it back must not fail: no rest, then.
      }
    }
    tell_kernel(fd, events);
  }

  void tell_kernel(int fd, int events) {
    if (events == 0 && known_.count(fd) == 0) {
      return;
    }
    int& known = known_[fd];
    if (events != known) {
      change(fd, known, events);
    }
  }

  /// What the kernel watches each for.
  std::unordered_map<int, int> known_;
  /// Those that will be forgotten before they are closed.
  std::unordered_set<int> expected_;
  /// Those that were unregistered since the last wait, and may still be known.
  std::vector<int> resting_;
};

// ---- kqueue ----

/// As epoll, in another kernel's words: an event for each descriptor and
/// direction. (selectors.KqueueSelector)
class KqueueSelector : public LazySelector {
 public:
  KqueueSelector() : queue_(::kqueue()) {
    if (queue_ < 0) {
      throw_errno("kqueue");
    }
  }
  ~KqueueSelector() override { close(); }

  Ready select(std::optional<Seconds> timeout) override {
    end_rests();
    struct kevent happened[256];
    SystemTimeout time(timeout);
    const int count =
        ::kevent(queue_, nullptr, 0, happened, 256, time.as_timespec());
    if (count < 0 && errno != EINTR) {
      throw_errno("kevent");
    }
    Ready ready;
    for (int i = 0; i < count; ++i) {
      int event = EVENT_WRITE;
      if (happened[i].filter == EVFILT_READ) {
        event = EVENT_READ;
      }
      add_ready(ready, static_cast<int>(happened[i].ident), event);
    }
    return ready;
  }

  void close() override {
    BaseSelector::close();
    if (queue_ >= 0) {
      ::close(std::exchange(queue_, -1));
    }
  }

 private:
  void change(int fd, int& known, int wanted) override {
    change_one(fd, known, wanted, EVENT_READ, EVFILT_READ);
    change_one(fd, known, wanted, EVENT_WRITE, EVFILT_WRITE);
  }

  void change_one(int fd, int& known, int wanted, int event, int filter) {
    if ((known & event) == (wanted & event)) {
      return;
    }
    const bool more = (wanted & event) != 0;
    struct kevent entry;
    EV_SET(&entry, fd, filter, more ? EV_ADD : EV_DELETE, 0, 0, nullptr);
    if (::kevent(queue_, &entry, 1, nullptr, 0, nullptr) < 0 && more) {
      throw_errno("kevent");
    }
    known ^= event;
  }

  int queue_;
};

// ---- epoll ----

#ifdef __linux__
/// Tells the kernel once whom to watch, and hears only of those that are ready.
/// Level-triggered: until all was read, each wait tells again.
/// (selectors.EpollSelector)
class EpollSelector : public LazySelector {
 public:
  EpollSelector() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) {
      throw_errno("epoll_create1");
    }
  }
  ~EpollSelector() override { close(); }

  Ready select(std::optional<Seconds> timeout) override {
    end_rests();
    epoll_event happened[256];
    const int count = wait(happened, 256, timeout);
    if (count < 0 && errno != EINTR) {
      throw_errno("epoll_wait");
    }
    Ready ready;
    for (int i = 0; i < count; ++i) {
      add_ready(ready, happened[i].data.fd, events_of(happened[i]));
    }
    return ready;
  }

  void close() override {
    BaseSelector::close();
    if (epoll_ >= 0) {
      ::close(std::exchange(epoll_, -1));
    }
  }

 private:
  // epoll_wait() counts milliseconds. Kernels before 5.11 have no other, nor
  // has Debian 12's valgrind.
  int wait(epoll_event* happened, int room, std::optional<Seconds> timeout) {
    SystemTimeout time(timeout);
    if (counts_nanoseconds_) {
      const int count = ::epoll_pwait2(
          epoll_, happened, room, time.as_timespec(), nullptr);
      if (count >= 0 || errno != ENOSYS) {
        return count;
      }
      counts_nanoseconds_ = false;
    }
    return ::epoll_wait(epoll_, happened, room, time.as_milliseconds());
  }

  // An error or a hang-up comes unasked, and is for both.
  static int events_of(const epoll_event& answer) {
    int events = 0;
    if (answer.events & ~EPOLLOUT) {
      events |= EVENT_READ;
    }
    if (answer.events & ~EPOLLIN) {
      events |= EVENT_WRITE;
    }
    return events;
  }

  void change(int fd, int& known, int wanted) override {
    epoll_event event = {};
    event.data.fd = fd;
    if (wanted & EVENT_READ) {
      event.events |= EPOLLIN;
    }
    if (wanted & EVENT_WRITE) {
      event.events |= EPOLLOUT;
    }
    int operation = known == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (wanted == 0) {
      operation = EPOLL_CTL_DEL;
    }
    const bool more = (wanted & ~known) != 0;
    if (::epoll_ctl(epoll_, operation, fd, &event) < 0 && more) {
      throw_errno("epoll_ctl");
    }
    known = wanted;
  }

  int epoll_;
  bool counts_nanoseconds_ = true;
};
#endif

// ---- Which one ----

template <class Selector>
std::unique_ptr<BaseSelector> create_selector() {
  return std::make_unique<Selector>();
}

/// A name for --selector, and what makes such a one.
struct SelectorChoice {
  const char* name;
  std::unique_ptr<BaseSelector> (*create)();
};

/// Those that this system has, the best one last.
inline std::vector<SelectorChoice> selector_choices() {
  return {
      {"select", create_selector<SelectSelector>},
      {"poll", create_selector<PollSelector>},
      {"kqueue", create_selector<KqueueSelector>},
#ifdef __linux__
      {"epoll", create_selector<EpollSelector>},
#endif
  };
}

/// Creates the best one, or the one that the environment variable
/// ASYNCIO_SELECTOR names. Throws std::invalid_argument if there is none of
/// that name. (selectors.DefaultSelector)
inline std::unique_ptr<BaseSelector> DefaultSelector() {
  const auto choices = selector_choices();
  const char* const wanted = std::getenv("ASYNCIO_SELECTOR");
  if (!wanted) {
    return choices.back().create();
  }
  for (const SelectorChoice& choice : choices) {
    if (std::string(choice.name) == wanted) {
      return choice.create();
    }
  }
  throw std::invalid_argument("there is no selector " + std::string(wanted));
}

}  // namespace asyncio
