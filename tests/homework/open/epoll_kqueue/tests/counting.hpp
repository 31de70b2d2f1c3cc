// Counts what an epoll is told: the calls go through here. common/'s kqueue is
// an epoll as well where the system has none.
#pragma once

#include "checks.hpp"

#ifdef __linux__

#include <sys/epoll.h>
#include <sys/syscall.h>

namespace test_checks {
inline int told = 0;
}  // namespace test_checks

extern "C" int epoll_ctl(
    int epoll,
    int operation,
    int fd,
    struct epoll_event* event
) noexcept {
  ++test_checks::told;
  return static_cast<int>(
      ::syscall(SYS_epoll_ctl, epoll, operation, fd, event));
}

namespace test_checks {

inline void check_told_once(const std::string& name) {
  const auto selector = make_selector(name);
  const Pair silent;
  const Pair pair;
  selector->register_(silent.here, EVENT_READ);
  selector->register_(pair.here, EVENT_READ);
  pair.send();
  CHECK(happened(*selector) == Happened{{pair.here, EVENT_READ}});
  CHECK(told >= 2);
  told = 0;
  for (int i = 0; i < 100; ++i) {
    CHECK(happened(*selector) == Happened{{pair.here, EVENT_READ}});
  }
  CHECK(told == 0);
  // One more is one more, however many there are.
  const Pair other;
  selector->register_(other.here, EVENT_READ);
  other.send();
  CHECK(happened(*selector).size() == 2);
  CHECK(told <= 2);
}

}  // namespace test_checks

#endif
