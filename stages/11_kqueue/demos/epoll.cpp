// epoll(7) without a loop: the kernel is told once, then only asked.
#include <cstdio>

#include "common/command_line.hpp"

#ifdef __linux__

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net.hpp"

static void show(const char* when, int epoll) {
  epoll_event happened = {};
  ::epoll_wait(epoll, &happened, 1, 100);
  const char* readable = happened.events & EPOLLIN ? " EPOLLIN" : "";
  const char* writable = happened.events & EPOLLOUT ? " EPOLLOUT" : "";
  const char* urgent = happened.events & EPOLLPRI ? " EPOLLPRI" : "";
  const char* silence = happened.events == 0 ? " silence" : "";
  std::printf("%s:%s%s%s%s\n", when, readable, writable, urgent, silence);
}

// Until that has happened: an epoll of its own.
static void wait_for(unsigned event, int fd) {
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted = {};
  wanted.events = event;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted);
  ::epoll_wait(epoll, &wanted, 1, -1);
  ::close(epoll);
}

static void told_once() {
  const int listener = listen_on("127.0.0.1", 0, true);
  const int peer = connect_to("127.0.0.1", port_of(listener));
  const int fd = ::accept(listener, nullptr, nullptr);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event wanted = {};
  wanted.events = EPOLLIN | EPOLLOUT | EPOLLPRI;
  ::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted);
  show("connected", epoll);

  ::send(peer, "hello", 5, 0);
  wait_for(EPOLLIN, fd);
  show("five bytes have come", epoll);

  char bytes[5];
  ::recv(fd, bytes, sizeof bytes, MSG_WAITALL);
  show("they were read", epoll);

  ::send(peer, "!", 1, MSG_OOB);
  wait_for(EPOLLPRI, fd);
  show("an urgent byte has come", epoll);
  ::recv(fd, bytes, 1, MSG_OOB);

  ::close(peer);
  wait_for(EPOLLIN, fd);
  show("the other end was closed", epoll);
  ::close(fd);
  show("this end was closed", epoll);
  ::close(epoll);
  ::close(listener);
}

#else

static void told_once() { std::printf("epoll is Linux's\n"); }

#endif

static const Demo<void()> demo{
    "epoll", "epoll(7): the kernel keeps the list", told_once};
