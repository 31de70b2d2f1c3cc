// What the kernel is told, seen from outside: /proc shows whom an epoll
// watches, and for what.
#include "common/testing.hpp"

#ifdef __linux__

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <tuple>

#include "asyncio.hpp"

namespace test_epoll_dormant {

using namespace asyncio;
using namespace std::chrono_literals;

/// The events that the epoll with that descriptor watches, by descriptor.
std::map<int, unsigned> watched(int epoll) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(epoll));
  std::map<int, unsigned> result;
  std::string line;
  while (std::getline(info, line)) {
    std::istringstream words(line);
    std::string tfd, events;
    int fd = -1;
    unsigned bits = 0;
    if (words >> tfd >> fd >> events >> std::hex >> bits && tfd == "tfd:") {
      result[fd] = bits & (EPOLLIN | EPOLLOUT);
    }
  }
  return result;
}

/// The lowest number that is free: that of whatever is opened next.
int next_descriptor() {
  const int fd = ::dup(0);
  ::close(fd);
  return fd;
}

struct Fixture {
  Fixture() {
    std::tie(here, there) = stream_pair();
    selector.expect_forget(here);
  }
  ~Fixture() {
    selector.forget(here);
    ::close(here);
    ::close(there);
  }

  const int epoll = next_descriptor();
  EpollSelector selector;
  int here = -1;
  int there = -1;

  /// What the kernel watches `here` for, nothing if it does not.
  unsigned known() const {
    const auto all = watched(epoll);
    const auto found = all.find(here);
    return found == all.end() ? 0 : found->second;
  }
};

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: told at once when it is wanted") {
  CHECK(known() == 0);
  selector.register_(here, EVENT_READ);
  CHECK(known() == EPOLLIN);
  selector.modify(here, EVENT_READ | EVENT_WRITE);
  CHECK(known() == (EPOLLIN | EPOLLOUT));
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: only what is promised may rest") {
  selector.forget(here);
  selector.register_(here, EVENT_READ);
  selector.unregister(here);
  CHECK(known() == 0);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: taken back by the next wait") {
  selector.register_(here, EVENT_READ);
  selector.unregister(here);
  CHECK(known() == EPOLLIN);
  selector.select(0s);
  CHECK(known() == 0);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: one direction of two, at once") {
  selector.register_(here, EVENT_READ | EVENT_WRITE);
  selector.modify(here, EVENT_READ);
  CHECK(known() == EPOLLIN);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: wanted again, it stays") {
  for (int message = 0; message < 20; ++message) {
    selector.register_(here, EVENT_READ);
    ::send(there, "x", 1, 0);
    CHECK(selector.select(0s).size() == 1);
    selector.unregister(here);
    CHECK(known() == EPOLLIN);
    char byte;
    CHECK(::recv(here, &byte, 1, 0) == 1);
  }
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: nobody hears of one that sleeps") {
  selector.register_(here, EVENT_READ);
  selector.unregister(here);
  ::send(there, "x", 1, 0);
  CHECK(selector.select(0s).empty());
  CHECK(selector.select(0s).empty());
  selector.register_(here, EVENT_READ);
  CHECK(selector.select(0s).size() == 1);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: it may come back for less") {
  selector.register_(here, EVENT_READ | EVENT_WRITE);
  selector.unregister(here);
  selector.register_(here, EVENT_READ);
  CHECK(known() == EPOLLIN);
  CHECK(selector.select(0s).empty());
  selector.unregister(here);
  selector.register_(here, EVENT_WRITE);
  ::send(there, "x", 1, 0);
  const auto ready = selector.select(0s);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == EVENT_WRITE);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: the forgetful are not kept awake") {
  // Readable, and wanted by nobody: it would end every wait at once.
  selector.register_(here, EVENT_READ);
  selector.unregister(here);
  ::send(there, "x", 1, 0);
  const auto start = std::chrono::steady_clock::now();
  CHECK(selector.select(10ms).empty());
  CHECK(std::chrono::steady_clock::now() - start >= 10ms);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: after the wait it rests no more") {
  const auto rest = [this] {
    selector.register_(here, EVENT_READ);
    selector.unregister(here);
    selector.select(0s);
  };
  rest();
  const std::size_t before = allocated_bytes();
  for (int i = 0; i < 20000; ++i) {
    rest();
  }
  CHECK(allocated_bytes() < before + 10000);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: forget is told at once") {
  selector.register_(here, EVENT_READ);
  SUBCASE("while it is watched") { selector.forget(here); }
  SUBCASE("while it sleeps") {
    selector.unregister(here);
    selector.forget(here);
  }
  CHECK(known() == 0);
  CHECK(selector.get_map().empty());
  selector.forget(here);
}

TEST_CASE_FIXTURE(Fixture, "epoll_dormant: a number that comes back") {
  const int fd = ::dup(here);
  for (int client = 0; client < 5; ++client) {
    selector.expect_forget(fd);
    selector.register_(fd, EVENT_READ);
    selector.unregister(fd);
    selector.forget(fd);
    ::close(fd);
    const auto [mine, theirs] = stream_pair();
    if (mine != fd) {
      REQUIRE(::dup2(mine, fd) == fd);
      ::close(mine);
    }
    selector.register_(fd, EVENT_READ);
    ::send(theirs, "x", 1, 0);
    CHECK(selector.select(0s).size() == 1);
    selector.forget(fd);
    ::close(theirs);
  }
  ::close(fd);
}

TEST_CASE("epoll_dormant: forgotten with a duplicate still open") {
  EpollSelector selector;
  const auto [here, there] = stream_pair();
  selector.expect_forget(here);
  const int copy = ::dup(here);
  selector.register_(here, EVENT_READ);
  selector.forget(here);
  ::close(here);
  ::send(there, "x", 1, 0);
  CHECK(selector.select(0s).empty());
  const auto start = std::chrono::steady_clock::now();
  CHECK(selector.select(10ms).empty());
  CHECK(std::chrono::steady_clock::now() - start >= 10ms);
  ::close(copy);
  ::close(there);
}

TEST_CASE("epoll_dormant: closed while it is watched for both directions") {
  EpollSelector selector;
  const auto [here, there] = stream_pair();
  selector.register_(here, EVENT_READ | EVENT_WRITE);
  SUBCASE("and for one of them no longer") {
    selector.modify(here, EVENT_READ);
  }
  SUBCASE("and promised, but not kept") {
    selector.expect_forget(here);
    selector.unregister(here);
  }
  ::close(here);
  for (int wait = 0; wait < 3; ++wait) {
    CHECK(selector.select(0s).empty());
  }
  ::close(there);
}

TEST_CASE("epoll_dormant: what is closed can be taken back by halves") {
  EventLoop loop(std::make_unique<EpollSelector>());
  const auto [here, there] = stream_pair();
  loop.add_reader(here, [] {});
  loop.add_writer(here, [] {});
  ::close(here);
  SUBCASE("the number is free") {}
  SUBCASE("the number is somebody else's") {
    REQUIRE(::dup2(there, here) == here);
  }
  CHECK(loop.remove_reader(here));
  CHECK(loop.remove_writer(here));
  ::close(here);
  ::close(there);
}

TEST_CASE("epoll_dormant: a loop's remove_reader is told at once") {
  const int epoll = next_descriptor();
  EventLoop loop(std::make_unique<EpollSelector>());
  const auto [here, there] = stream_pair();
  loop.add_reader(here, [] {});
  CHECK(watched(epoll).count(here) == 1);
  loop.remove_reader(here);
  CHECK(watched(epoll).count(here) == 0);
  ::close(here);
  ::close(there);
}

Coroutine<> answer(Socket socket, int messages) {
  for (int i = 0; i < messages; ++i) {
    std::string data = co_await sock_recv(socket, 100);
    co_await sock_sendall(socket, std::move(data));
  }
}

Coroutine<> ask(Socket socket, int messages, int epoll, int* changes) {
  std::map<int, unsigned> before;
  for (int i = 0; i < messages; ++i) {
    co_await sock_sendall(socket, "hello");
    const std::string data = co_await sock_recv(socket, 100);
    CHECK(data == "hello");
    const auto now = watched(epoll);
    *changes += now != before;
    before = now;
  }
}

TEST_CASE("epoll_dormant: a conversation leaves the kernel alone") {
  const int epoll = next_descriptor();
  EventLoop loop(std::make_unique<EpollSelector>());
  const auto [left, right] = stream_pair();
  int changes = 0;
  create_task(answer(Socket(left, loop), 50), loop);
  create_task(ask(Socket(right, loop), 50, epoll, &changes), loop);
  loop.run_until_idle();
  CHECK(changes >= 1);
  CHECK(changes <= 3);
}

}  // namespace test_epoll_dormant

#endif
