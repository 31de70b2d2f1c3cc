// A coroutine waits, is woken, and waits again. If every wait registers the
// descriptor and then unregisters it, each message costs two calls, after which
// the kernel knows what it knew before. The calls are expensive: each takes
// locks and searches a tree.
//
// Cure: leave the registration where it is. EpollSelector removes it only if it
// is still unwanted at the next wait.
//
// Prints:
//   registered once: ... ns a message, 1 epoll_ctl
//   for each message: ... ns a message, 40000 epoll_ctl
//   more than a tenth dearer: yes
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "common/bench.hpp"
#include "common/net.hpp"

constexpr int messages = 20000;

struct Cost {
  double ns;
  int calls;
};

static Cost run(bool each_time) {
  const auto [here, there] = stream_pair();
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  int calls = 0;
  const auto tell = [&, fd = here](int operation) {
    epoll_event event = {};
    event.events = EPOLLIN;
    ::epoll_ctl(epoll, operation, fd, &event);
    ++calls;
  };
  const auto start = cpu_ns();
  for (int i = 0; i < messages; ++i) {
    char byte = 'x';
    ::send(there, &byte, 1, 0);
    if (i == 0 || each_time) {
      tell(EPOLL_CTL_ADD);
    }
    epoll_event happened = {};
    ::epoll_wait(epoll, &happened, 1, -1);
    if (each_time) {
      tell(EPOLL_CTL_DEL);
    }
    ::recv(here, &byte, 1, 0);
  }
  const double ns = static_cast<double>(cpu_ns() - start) / messages;
  for (const int fd : {epoll, here, there}) {
    ::close(fd);
  }
  return Cost{ns, calls};
}

// The best of several: noise can only add time.
static Cost best(bool each_time) {
  Cost cost = run(each_time);
  for (int i = 0; i < 6; ++i) {
    cost.ns = std::min(cost.ns, run(each_time).ns);
  }
  return cost;
}

int main() {
  const Cost once = best(false);
  const Cost each = best(true);
  std::printf("registered once: %.0f ns a message, %d epoll_ctl\n", once.ns,
              once.calls);
  std::printf("for each message: %.0f ns a message, %d epoll_ctl\n", each.ns,
              each.calls);
  std::printf("more than a tenth dearer: %s\n",
              each.ns > 1.1 * once.ns ? "yes" : "no");
}
