// poll(2) without a loop: what it says, seen from one end of a connection.
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/command_line.hpp"
#include "common/net.hpp"

static void show(const char* when, int fd) {
  pollfd asked = {fd, POLLIN | POLLOUT | POLLPRI, 0};
  ::poll(&asked, 1, -1);
  const char* readable = asked.revents & POLLIN ? " POLLIN" : "";
  const char* writable = asked.revents & POLLOUT ? " POLLOUT" : "";
  const char* urgent = asked.revents & POLLPRI ? " POLLPRI" : "";
  const char* closed = asked.revents & POLLNVAL ? " POLLNVAL" : "";
  std::printf("%s:%s%s%s%s\n", when, readable, writable, urgent, closed);
}

// Until that has happened.
static void wait_for(int event, int fd) {
  pollfd asked = {fd, static_cast<short>(event), 0};
  ::poll(&asked, 1, -1);
}

static void one_array() {
  const int listener = listen_on("127.0.0.1", 0, true);
  const int peer = connect_to("127.0.0.1", port_of(listener));
  const int fd = ::accept(listener, nullptr, nullptr);
  show("connected", fd);

  ::send(peer, "hello", 5, 0);
  wait_for(POLLIN, fd);
  show("five bytes have come", fd);

  char bytes[5];
  ::recv(fd, bytes, sizeof bytes, MSG_WAITALL);
  show("they were read", fd);

  ::send(peer, "!", 1, MSG_OOB);
  wait_for(POLLPRI, fd);
  show("an urgent byte has come", fd);
  ::recv(fd, bytes, 1, MSG_OOB);

  ::close(peer);
  wait_for(POLLIN, fd);
  show("the other end was closed", fd);
  ::close(fd);
  show("this end was closed", fd);
  ::close(listener);
}

static const Demo<void()> demo{
    "poll", "poll(2): one array, an answer beside each question", one_array};
