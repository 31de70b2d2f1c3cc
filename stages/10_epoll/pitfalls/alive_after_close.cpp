// epoll watches not the number but the open file behind it. close() ends the
// registration only when the file has no other descriptor, and dup() and fork()
// make other descriptors. Then events arrive for a number that is closed, and
// the registration cannot even be removed: the number is not valid.
//
// Cure: EPOLL_CTL_DEL before close(), as forget(fd) does.
//
// Prints:
//   closed: silence
//   closed, but there is a dup: an event for a closed descriptor
//   taking it back now: Bad file descriptor
//   closed, but a child has it: an event for a closed descriptor
//   taking it back now: Bad file descriptor
//   taken back, then closed: silence
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "common/net.hpp"

enum class Other { nobody, duplicate, child };

static pid_t start_child() {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  return child;
}

static void run(const char* what, Other other, bool take_back) {
  const auto [here, there] = stream_pair();
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event = {};
  event.events = EPOLLIN;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, here, &event);
  const int copy = other == Other::duplicate ? ::dup(here) : -1;
  const pid_t child = other == Other::child ? start_child() : -1;
  if (take_back) {
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, here, nullptr);
  }
  ::close(here);
  ::send(there, "x", 1, MSG_NOSIGNAL);

  if (::epoll_wait(epoll, &event, 1, 200) == 1) {
    std::printf("%s: an event for a closed descriptor\n", what);
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, here, nullptr);
    std::printf("taking it back now: %s\n", std::strerror(errno));
  } else {
    std::printf("%s: silence\n", what);
  }
  if (child > 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  for (const int fd : {epoll, copy, there}) {
    ::close(fd);
  }
}

int main() {
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  run("closed", Other::nobody, false);
  run("closed, but there is a dup", Other::duplicate, false);
  run("closed, but a child has it", Other::child, false);
  run("taken back, then closed", Other::duplicate, true);
}
