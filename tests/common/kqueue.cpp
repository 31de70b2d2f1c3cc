// kqueue(2) as common/ has it: on Linux this is a test of the emulation, and of
// what its head says that a kernel does otherwise.
#include "common/testing.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/kqueue.hpp"
#include "common/net.hpp"
#include "common/wait.hpp"

namespace test_kqueue {

struct Queue {
  Queue() { std::tie(here, there) = stream_pair(); }
  ~Queue() {
    for (const int fd : {queue, here, there}) {
      ::close(fd);
    }
  }

  /// One change in a call of its own: 0, or errno.
  int change(int fd, int filter, int flags) const {
    struct kevent wanted;
    EV_SET(&wanted, fd, filter, flags, 0, 0, nullptr);
    return ::kevent(queue, &wanted, 1, nullptr, 0, nullptr) < 0 ? errno : 0;
  }

  std::vector<struct kevent> wait(double seconds = 0, int room = 8) const {
    std::vector<struct kevent> events(static_cast<std::size_t>(room));
    SystemTimeout time{std::chrono::duration<double>(seconds)};
    const int count = ::kevent(
        queue, nullptr, 0, events.data(), room, time.as_timespec());
    REQUIRE(count >= 0);
    events.resize(static_cast<std::size_t>(count));
    return events;
  }

  /// The events of `here`, by filter.
  std::map<int, struct kevent> happened(double seconds = 0) const {
    std::map<int, struct kevent> result;
    for (const auto& event : wait(seconds)) {
      CHECK(static_cast<int>(event.ident) == here);
      CHECK(result.count(event.filter) == 0);
      result[event.filter] = event;
    }
    return result;
  }

  void send(const std::string& data) const {
    CHECK(::send(there, data.data(), data.size(), 0) > 0);
  }

  const int queue = ::kqueue();
  int here = -1;
  int there = -1;
};

}  // namespace test_kqueue

using test_kqueue::Queue;

TEST_CASE_FIXTURE(Queue, "kqueue: a filter for each direction") {
  CHECK(happened().empty());
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  CHECK(happened().empty());
  CHECK(change(here, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(happened().size() == 1);
  CHECK(happened().count(EVFILT_WRITE) == 1);
  send("hello");
  CHECK(happened(1).size() == 2);
  CHECK(change(here, EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(happened().size() == 1);
  CHECK(change(here, EVFILT_READ, EV_DELETE) == 0);
  CHECK(happened().empty());
}

TEST_CASE_FIXTURE(Queue, "kqueue: it counts what there is to read") {
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  send("hello");
  const auto events = happened(1);
  REQUIRE(events.count(EVFILT_READ) == 1);
  CHECK(events.at(EVFILT_READ).data == 5);
  CHECK((events.at(EVFILT_READ).flags & EV_EOF) == 0);
}

TEST_CASE_FIXTURE(Queue, "kqueue: level-triggered") {
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  send("hello");
  for (int left = 5; left > 0; --left) {
    CHECK(happened(1).at(EVFILT_READ).data == left);
    char byte;
    CHECK(::recv(here, &byte, 1, 0) == 1);
  }
  CHECK(happened().empty());
}

TEST_CASE_FIXTURE(Queue, "kqueue: the end is EV_EOF, with what is left") {
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  send("bye");
  ::shutdown(there, SHUT_WR);
  const auto events = happened(1);
  REQUIRE(events.count(EVFILT_READ) == 1);
  CHECK((events.at(EVFILT_READ).flags & EV_EOF) != 0);
  CHECK(events.at(EVFILT_READ).data == 3);
}

TEST_CASE_FIXTURE(Queue, "kqueue: what is not there cannot be deleted") {
  CHECK(change(here, EVFILT_READ, EV_DELETE) == ENOENT);
  CHECK(change(here, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(change(here, EVFILT_READ, EV_DELETE) == ENOENT);
  CHECK(wait().size() == 1);
  CHECK(change(here, EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(change(here, EVFILT_WRITE, EV_DELETE) == ENOENT);
}

TEST_CASE_FIXTURE(Queue, "kqueue: a failed change is an event, given room") {
  ::close(there);
  const int closed = std::exchange(there, -1);
  struct kevent changes[2];
  EV_SET(&changes[0], closed, EVFILT_READ, EV_ADD, 0, 0, nullptr);
  EV_SET(&changes[1], here, EVFILT_WRITE, EV_ADD, 0, 0, nullptr);
  struct kevent events[4] = {};
  const timespec at_once = {};
  // libkqueue tells of what is ready, too.
  CHECK(::kevent(queue, changes, 2, events, 4, &at_once) >= 1);
  CHECK((events[0].flags & EV_ERROR) != 0);
  CHECK(events[0].data == EBADF);
  CHECK(static_cast<int>(events[0].ident) == closed);
  CHECK(change(closed, EVFILT_READ, EV_ADD) == EBADF);
  // The one after it has been made.
  CHECK(change(here, EVFILT_WRITE, EV_DELETE) == 0);
}

TEST_CASE_FIXTURE(Queue, "kqueue: changes and events in one call") {
  send("x");
  struct kevent wanted;
  EV_SET(&wanted, here, EVFILT_READ, EV_ADD, 0, 0, nullptr);
  struct kevent event = {};
  const timespec second = {1, 0};
  CHECK(::kevent(queue, &wanted, 1, &event, 1, &second) == 1);
  CHECK(static_cast<int>(event.ident) == here);
  CHECK(event.filter == EVFILT_READ);
}

TEST_CASE_FIXTURE(Queue, "kqueue: never more events than there is room for") {
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  CHECK(change(here, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(change(there, EVFILT_WRITE, EV_ADD) == 0);
  send("x");
  CHECK(wait(1, 1).size() == 1);
  CHECK(wait(1, 3).size() <= 3);
  CHECK(wait(1, 8).size() == 3);
}

TEST_CASE_FIXTURE(Queue, "kqueue: it waits as long as it was told, not less") {
  using Clock = std::chrono::steady_clock;
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  for (const double seconds : {1e-9, 2.0001e-3}) {
    const auto start = Clock::now();
    CHECK(wait(seconds).empty());
    const std::chrono::duration<double> passed = Clock::now() - start;
    CHECK(passed.count() >= seconds);
  }
}

// libkqueue refuses to add what is there; KqueueSelector does not ask for it.
#ifndef ASYNCIO_LIBKQUEUE

TEST_CASE_FIXTURE(Queue, "kqueue: adding twice is no error, and one event") {
  CHECK(change(here, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(change(here, EVFILT_WRITE, EV_ADD) == 0);
  CHECK(wait().size() == 1);
  CHECK(change(here, EVFILT_WRITE, EV_DELETE) == 0);
  CHECK(wait().empty());
}

TEST_CASE_FIXTURE(Queue, "kqueue: closed and opened anew") {
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  ::close(here);
  const auto [mine, theirs] = stream_pair();
  if (mine != here) {
    CHECK(::dup2(mine, here) == here);
    ::close(mine);
  }
  CHECK(::send(theirs, "x", 1, 0) == 1);
  CHECK(wait().empty());
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  CHECK(wait(1).size() == 1);
  ::close(theirs);
}

#endif

#if defined(__linux__) && !defined(ASYNCIO_LIBKQUEUE)

TEST_CASE_FIXTURE(Queue, "kqueue: what the emulation lacks is an error") {
  CHECK(change(here, -3, EV_ADD) == EINVAL);
  const int file = ::open("/dev/null", O_RDONLY);
  CHECK(change(file, EVFILT_READ, EV_ADD) == EPERM);
  CHECK(change(file, EVFILT_READ, EV_DELETE) == ENOENT);
  ::close(file);
}

TEST_CASE_FIXTURE(Queue, "kqueue: the emulation remembers what was closed") {
  CHECK(change(here, EVFILT_READ, EV_ADD) == 0);
  ::close(here);
  const int error = change(here, EVFILT_READ, EV_DELETE);
  CHECK((error == EBADF || error == ENOENT));
  here = -1;
}

TEST_CASE("kqueue: the emulation says that it is one") {
  CHECK(std::string(kqueue_kind()) == "an emulation");
}

#endif
