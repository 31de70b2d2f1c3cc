// EPOLLONESHOT reports one event and then disables the entry. It is made for
// many threads on one epoll, so that only one of them gets each event. A
// program that does not arm the entry again gets no more events. Here the wait
// gives up after 200 ms.
//
// Cure: EPOLL_CTL_MOD once the event has been handled. It is one call more for
// every message.
//
// Prints:
//   not armed again: received "one", then silence
//   armed again: received "one", received "two"
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"

static void run(const char* what, bool arm_again) {
  const auto [here, there] = stream_pair();
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted = {};
  wanted.events = EPOLLIN | EPOLLONESHOT;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, here, &wanted);

  std::printf("%s:", what);
  const char* separator = "";
  for (const char* const word : {"one", "two"}) {
    ::send(there, word, 3, 0);
    epoll_event happened = {};
    if (::epoll_wait(epoll, &happened, 1, 200) == 1) {
      char buffer[4] = {};
      ::recv(here, buffer, 3, 0);
      std::printf("%s received \"%s\"", separator, buffer);
    } else {
      std::printf("%s then silence", separator);
    }
    if (arm_again) {
      ::epoll_ctl(epoll, EPOLL_CTL_MOD, here, &wanted);
    }
    separator = ",";
  }
  std::printf("\n");
  for (const int fd : {epoll, here, there}) {
    ::close(fd);
  }
}

int main() {
  run("not armed again", false);
  run("armed again", true);
}
