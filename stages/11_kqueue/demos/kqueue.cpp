// kqueue(2) without a loop: a filter for each direction, and a count with it.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/command_line.hpp"
#include "common/kqueue.hpp"
#include "common/net.hpp"

static void show(const char* when, int queue) {
  const timespec moment = {0, 100'000'000};
  struct kevent happened[2];
  const int count = ::kevent(queue, nullptr, 0, happened, 2, &moment);
  std::printf("%s:", when);
  for (int i = 0; i < count; ++i) {
    if (happened[i].filter == EVFILT_WRITE) {
      std::printf(" EVFILT_WRITE");
    } else if (happened[i].flags & EV_EOF) {
      std::printf(" EVFILT_READ (the end)");
    } else {
      const int bytes = static_cast<int>(happened[i].data);
      std::printf(" EVFILT_READ (%d bytes)", bytes);
    }
  }
  std::printf("%s\n", count == 0 ? " silence" : "");
}

// Until it can be read: a queue of its own.
static void wait_for_bytes(int fd) {
  const int queue = ::kqueue();
  struct kevent wanted;
  EV_SET(&wanted, fd, EVFILT_READ, EV_ADD, 0, 0, nullptr);
  struct kevent happened;
  ::kevent(queue, &wanted, 1, &happened, 1, nullptr);
  ::close(queue);
}

static void told_once() {
  std::printf("this is %s\n", kqueue_kind());
  const int listener = listen_on("127.0.0.1", 0, true);
  const int peer = connect_to("127.0.0.1", port_of(listener));
  const int fd = ::accept(listener, nullptr, nullptr);
  const int queue = ::kqueue();
  struct kevent wanted[2];
  EV_SET(&wanted[0], fd, EVFILT_READ, EV_ADD, 0, 0, nullptr);
  EV_SET(&wanted[1], fd, EVFILT_WRITE, EV_ADD, 0, 0, nullptr);
  ::kevent(queue, wanted, 2, nullptr, 0, nullptr);
  show("connected", queue);

  ::send(peer, "hello", 5, 0);
  wait_for_bytes(fd);
  show("five bytes have come", queue);

  char bytes[5];
  ::recv(fd, bytes, sizeof bytes, MSG_WAITALL);
  show("they were read", queue);

  ::close(peer);
  wait_for_bytes(fd);
  show("the other end was closed", queue);
  ::close(fd);
  show("this end was closed", queue);
  ::close(queue);
  ::close(listener);
}

static const Demo<void()> demo{
    "kqueue", "kqueue(2): a filter for each direction", told_once};
