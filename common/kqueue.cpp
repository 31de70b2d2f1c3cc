#include "common/kqueue.hpp"

#if defined(ASYNCIO_LIBKQUEUE)

#include "common/net.hpp"

const char* kqueue_kind() { return "libkqueue"; }

int kevent_keeping_errors(
    int queue,
    const struct kevent* changes,
    int change_count,
    struct kevent* events,
    int event_count,
    const timespec* timeout
) {
  // In parentheses it is the function, and not the macro.
  const int count =
      (kevent)(queue, changes, change_count, events, event_count, timeout);
  for (int i = 0; i < count; ++i) {
    if ((events[i].flags & EV_EOF) != 0 && events[i].fflags != 0) {
      keep_connect_error(
          static_cast<int>(events[i].ident),
          static_cast<int>(events[i].fflags)
      );
    }
  }
  return count;
}

#elif !defined(__linux__)

const char* kqueue_kind() { return "the system's kqueue"; }

#else

#include <cerrno>
#include <chrono>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/ioctl.h>

#include "common/wait.hpp"

namespace {

struct Filters {
  bool read = false;
  bool write = false;
};

using Queue = std::unordered_map<int, Filters>;

// By the queue's descriptor, which is that of an epoll. The table is never
// destroyed: a static loop closes late.
Queue& queue_of(int fd) {
  static std::mutex& lock = *new std::mutex;
  static auto& queues = *new std::unordered_map<int, Queue>;
  const std::lock_guard<std::mutex> guard(lock);
  return queues[fd];
}

int control(int epoll, int operation, int fd, const Filters& filters) {
  epoll_event event = {};
  event.data.fd = fd;
  if (filters.read) {
    event.events |= EPOLLIN | EPOLLRDHUP;
  }
  if (filters.write) {
    event.events |= EPOLLOUT;
  }
  return epoll_ctl(epoll, operation, fd, &event);
}

// Returns 0, or errno.
int change(int epoll, Queue& queue, const struct kevent& wanted) {
  const int fd = static_cast<int>(wanted.ident);
  if (wanted.filter != EVFILT_READ && wanted.filter != EVFILT_WRITE) {
    return EINVAL;
  }
  const auto known = queue.find(fd);
  const bool is_new = known == queue.end();
  Filters filters = is_new ? Filters{} : known->second;
  bool& filter = wanted.filter == EVFILT_READ ? filters.read : filters.write;
  if (wanted.flags & EV_DELETE) {
    if (!filter) {
      return ENOENT;
    }
    filter = false;
    const bool last = !filters.read && !filters.write;
    if (last) {
      queue.erase(fd);
    } else {
      queue[fd] = filters;
    }
    const int operation = last ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    return control(epoll, operation, fd, filters) < 0 ? errno : 0;
  }
  if ((wanted.flags & EV_ADD) == 0) {
    return filter ? 0 : ENOENT;
  }
  if (!is_new) {
    // Closed and opened anew, it is no longer in the epoll.
    Filters both = filters;
    (wanted.filter == EVFILT_READ ? both.read : both.write) = true;
    if (control(epoll, EPOLL_CTL_MOD, fd, both) == 0) {
      queue[fd] = both;
      return 0;
    }
    if (errno != ENOENT) {
      return errno;
    }
    filters = Filters{};
  }
  (wanted.filter == EVFILT_READ ? filters.read : filters.write) = true;
  // First: without memory nothing has changed.
  queue[fd] = filters;
  if (control(epoll, EPOLL_CTL_ADD, fd, filters) < 0) {
    const int error = errno;
    queue.erase(fd);
    return error;
  }
  return 0;
}

struct kevent event_of(int fd, int filter, bool end) {
  struct kevent event;
  EV_SET(&event, fd, filter, end ? EV_EOF : 0, 0, 0, nullptr);
  int bytes = 0;
  if (filter == EVFILT_READ && ioctl(fd, FIONREAD, &bytes) == 0) {
    event.data = bytes;
  }
  return event;
}

int milliseconds(const timespec* timeout) {
  if (timeout == nullptr) {
    return -1;
  }
  const auto exact = std::chrono::seconds(timeout->tv_sec) +
                     std::chrono::nanoseconds(timeout->tv_nsec);
  return SystemTimeout(exact).as_milliseconds();
}

int wait(int epoll, std::vector<epoll_event>& events, const timespec* timeout) {
  static bool has_pwait2 = true;
  const int room = static_cast<int>(events.size());
  if (has_pwait2) {
    const int count =
        epoll_pwait2(epoll, events.data(), room, timeout, nullptr);
    if (count >= 0 || errno != ENOSYS) {
      return count;
    }
    has_pwait2 = false;
  }
  return epoll_wait(epoll, events.data(), room, milliseconds(timeout));
}

}  // namespace

const char* kqueue_kind() { return "an emulation"; }

int kqueue() {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll >= 0) {
    queue_of(epoll) = {};
  }
  return epoll;
}

int kevent(
    int queue,
    const struct kevent* changes,
    int change_count,
    struct kevent* events,
    int event_count,
    const timespec* timeout
) {
  Queue& known = queue_of(queue);
  int count = 0;
  for (int i = 0; i < change_count; ++i) {
    const int error = change(queue, known, changes[i]);
    if (error == 0) {
      continue;
    }
    if (count == event_count) {
      errno = error;
      return -1;
    }
    events[count] = changes[i];
    events[count].flags = EV_ERROR;
    events[count].data = error;
    ++count;
  }
  if (count > 0 || event_count == 0) {
    return count;
  }
  // A descriptor may become two events.
  std::vector<epoll_event> happened(
      static_cast<std::size_t>(event_count > 1 ? event_count / 2 : 1)
  );
  const int ready = wait(queue, happened, timeout);
  for (int i = 0; i < ready; ++i) {
    const auto bits = happened[static_cast<std::size_t>(i)].events;
    const int fd = happened[static_cast<std::size_t>(i)].data.fd;
    const Filters filters = known[fd];
    const bool broken = (bits & (EPOLLERR | EPOLLHUP)) != 0;
    if (filters.read && (broken || (bits & (EPOLLIN | EPOLLRDHUP)) != 0)) {
      const bool end = broken || (bits & EPOLLRDHUP) != 0;
      events[count] = event_of(fd, EVFILT_READ, end);
      ++count;
    }
    if (filters.write && count < event_count &&
        (broken || (bits & EPOLLOUT) != 0)) {
      events[count] = event_of(fd, EVFILT_WRITE, broken);
      ++count;
    }
  }
  return ready < 0 ? ready : count;
}

#endif
