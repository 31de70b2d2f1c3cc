#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_kqueue_selector {

using namespace asyncio;
using namespace std::chrono_literals;

constexpr int both = EVENT_READ | EVENT_WRITE;

struct Pair {
  Pair() : Pair(stream_pair()) {}
  explicit Pair(std::pair<int, int> ends)
      : here(ends.first), there(ends.second) {}
  ~Pair() {
    ::close(here);
    ::close(there);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void send(const std::string& data = "x") const {
    CHECK(::send(there, data.data(), data.size(), 0) > 0);
  }

  void receive() const {
    char byte;
    CHECK(::recv(here, &byte, 1, 0) == 1);
  }

  const int here;
  const int there;
};

/// All that has happened to a descriptor, in however many entries.
int happened(BaseSelector& selector, int fd, Seconds timeout = Seconds(0)) {
  int result = 0;
  for (const auto& [key, events] : selector.select(timeout)) {
    CHECK(key.fd == fd);
    CHECK((result & events) == 0);
    result |= events;
  }
  return result;
}

TEST_CASE("kqueue_selector: it can be chosen by name") {
  bool found = false;
  for (const SelectorChoice& choice : selector_choices()) {
    if (std::string(choice.name) == "kqueue") {
      const auto selector = choice.create();
      CHECK(dynamic_cast<KqueueSelector*>(selector.get()) != nullptr);
      found = true;
    }
  }
  CHECK(found);
#ifndef __linux__
  CHECK(std::string(selector_choices().back().name) == "kqueue");
#endif
}

TEST_CASE("kqueue_selector: it can be told which one this is") {
  const std::string kind = kqueue_kind();
#if defined(ASYNCIO_LIBKQUEUE)
  CHECK(kind == "libkqueue");
#elif defined(__linux__)
  CHECK(kind == "an emulation");
#else
  CHECK(kind == "the system's kqueue");
#endif
}

TEST_CASE("kqueue_selector: level-triggered, it tells until all was read") {
  const Pair pair;
  KqueueSelector selector;
  selector.register_(pair.here, EVENT_READ);
  CHECK(happened(selector, pair.here) == 0);
  pair.send("two");
  for (int left = 3; left > 0; --left) {
    CHECK(happened(selector, pair.here) == EVENT_READ);
    pair.receive();
  }
  CHECK(happened(selector, pair.here) == 0);
}

TEST_CASE("kqueue_selector: each direction by itself") {
  const Pair pair;
  KqueueSelector selector;
  selector.register_(pair.here, both);
  pair.send();
  const auto ready = selector.select(1s);
  REQUIRE(ready.size() == 2);
  CHECK(ready[0].first.fd == pair.here);
  CHECK(ready[1].first.fd == pair.here);
  CHECK(ready[0].second + ready[1].second == both);
}

TEST_CASE("kqueue_selector: the events that were asked for last") {
  const Pair pair;
  pair.send();
  KqueueSelector selector;
  selector.register_(pair.here, EVENT_READ);
  CHECK(happened(selector, pair.here) == EVENT_READ);
  selector.modify(pair.here, both);
  CHECK(happened(selector, pair.here) == both);
  selector.modify(pair.here, EVENT_WRITE);
  CHECK(happened(selector, pair.here) == EVENT_WRITE);
  selector.modify(pair.here, EVENT_READ);
  CHECK(happened(selector, pair.here) == EVENT_READ);
  selector.unregister(pair.here);
  CHECK(happened(selector, pair.here) == 0);
}

TEST_CASE("kqueue_selector: the end of a connection wakes both directions") {
  const Pair pair;
  KqueueSelector selector;
  selector.register_(pair.here, both);
  ::shutdown(pair.there, SHUT_RDWR);
  CHECK(happened(selector, pair.here, 1s) == both);
}

TEST_CASE("kqueue_selector: a refused connection wakes the writer") {
  const int listener = listen_on("127.0.0.1", 0);
  const int port = port_of(listener);
  ::close(listener);
  const int fd = tcp_socket(AF_INET);
  const int error = start_connect(fd, "127.0.0.1", port);
  if (error == EINPROGRESS) {
    KqueueSelector selector;
    selector.register_(fd, EVENT_WRITE);
    CHECK(happened(selector, fd, 5s) == EVENT_WRITE);
    CHECK(connect_error(fd) == ECONNREFUSED);
  } else {
    MESSAGE("skipped: here it is refused at once");
    CHECK(error == ECONNREFUSED);
  }
  ::close(fd);
}

TEST_CASE("kqueue_selector: a descriptor that is none is an error") {
  KqueueSelector selector;
  const int closed = ::dup(0);
  ::close(closed);
  CHECK_THROWS_AS(
      selector.register_(closed, EVENT_READ), std::system_error);
  CHECK_THROWS_AS(selector.register_(-1, EVENT_READ), std::invalid_argument);
  CHECK(selector.get_map().empty());

  SUBCASE("and leaves nothing behind") {
    const Pair pair;
    REQUIRE(::dup2(pair.here, closed) == closed);
    pair.send();
    selector.register_(closed, EVENT_READ);
    CHECK(happened(selector, closed) == EVENT_READ);
    selector.forget(closed);
    ::close(closed);
  }
}

TEST_CASE("kqueue_selector: nobody hears of one that sleeps") {
  const Pair pair;
  KqueueSelector selector;
  selector.expect_forget(pair.here);
  for (int message = 0; message < 5; ++message) {
    selector.register_(pair.here, EVENT_READ);
    pair.send();
    CHECK(happened(selector, pair.here) == EVENT_READ);
    selector.unregister(pair.here);
    CHECK(happened(selector, pair.here) == 0);
    pair.receive();
  }
}

TEST_CASE("kqueue_selector: one that is not wanted does not keep it awake") {
  const Pair pair;
  KqueueSelector selector;
  const auto wait = [&] {
    const auto start = std::chrono::steady_clock::now();
    const int events = happened(selector, pair.here, 10ms);
    const bool waited = std::chrono::steady_clock::now() - start >= 10ms;
    return waited ? events : -1;
  };
  SUBCASE("neither direction") {
    selector.expect_forget(pair.here);
    selector.register_(pair.here, both);
    pair.send();
    selector.unregister(pair.here);
    CHECK(wait() == 0);
  }
  SUBCASE("one of two") {
    selector.register_(pair.here, both);
    selector.modify(pair.here, EVENT_READ);
    CHECK(wait() == 0);
    pair.send();
    CHECK(happened(selector, pair.here) == EVENT_READ);
  }
}

TEST_CASE("kqueue_selector: a number that comes back") {
  KqueueSelector selector;
  for (int client = 0; client < 5; ++client) {
    const Pair pair;
    selector.expect_forget(pair.here);
    selector.register_(pair.here, client % 2 == 0 ? EVENT_READ : both);
    selector.unregister(pair.here);
    if (client % 2 == 0) {
      selector.select(0s);
    }
    selector.register_(pair.here, EVENT_READ);
    pair.send();
    CHECK(happened(selector, pair.here) == EVENT_READ);
    selector.forget(pair.here);
    selector.forget(pair.here);
  }
  CHECK(selector.get_map().empty());
}

TEST_CASE("kqueue_selector: a number that has another owner") {
  const Pair pair;
  const Pair next;
  KqueueSelector selector;
  const int fd = ::dup(pair.here);
  selector.expect_forget(fd);
  selector.register_(fd, EVENT_READ);
  SUBCASE("forgotten, and not promised any more") {
    selector.forget(fd);
    selector.register_(fd, EVENT_READ);
    selector.unregister(fd);
  }
  SUBCASE("forgotten while it rests") {
    selector.unregister(fd);
    selector.forget(fd);
  }
  REQUIRE(::dup2(next.here, fd) == fd);
  selector.register_(fd, EVENT_READ);
  pair.send();
  CHECK(happened(selector, fd) == 0);
  next.send();
  CHECK(happened(selector, fd) == EVENT_READ);
  selector.forget(fd);
  ::close(fd);
}

// The emulation's queue is an epoll, and /proc shows whom that watches.
#if defined(__linux__) && !defined(ASYNCIO_LIBKQUEUE)

bool watches(int queue, int fd) {
  std::ifstream info("/proc/self/fdinfo/" + std::to_string(queue));
  for (std::string word; info >> word;) {
    int watched = -1;
    if (word == "tfd:" && info >> watched && watched == fd) {
      return true;
    }
  }
  return false;
}

TEST_CASE("kqueue_selector: one with a promise rests until the next wait") {
  const Pair pair;
  // The lowest number that is free.
  const int queue = ::dup(pair.here);
  ::close(queue);
  KqueueSelector selector;
  selector.register_(pair.here, EVENT_READ);
  CHECK(watches(queue, pair.here));
  selector.unregister(pair.here);
  CHECK_FALSE(watches(queue, pair.here));
  selector.expect_forget(pair.here);
  selector.register_(pair.here, EVENT_READ);
  selector.unregister(pair.here);
  CHECK(watches(queue, pair.here));
  selector.select(0s);
  CHECK_FALSE(watches(queue, pair.here));
  selector.register_(pair.here, EVENT_READ);
  selector.unregister(pair.here);
  selector.forget(pair.here);
  CHECK_FALSE(watches(queue, pair.here));
}

#endif

TEST_CASE("kqueue_selector: after the wait it rests no more") {
  const Pair pair;
  KqueueSelector selector;
  selector.expect_forget(pair.here);
  const auto rest = [&] {
    selector.register_(pair.here, EVENT_READ);
    selector.unregister(pair.here);
    selector.select(0s);
  };
  rest();
  const std::size_t before = allocated_bytes();
  for (int i = 0; i < 20000; ++i) {
    rest();
  }
  CHECK(allocated_bytes() < before + 10000);
}

TEST_CASE("kqueue_selector: forgotten with a duplicate still open") {
  KqueueSelector selector;
  const auto [here, there] = stream_pair();
  const int copy = ::dup(here);
  selector.expect_forget(here);
  selector.register_(here, both);
  selector.forget(here);
  ::close(here);
  CHECK(::send(there, "x", 1, 0) == 1);
  CHECK(selector.select(0s).empty());
  ::close(copy);
  ::close(there);
}

TEST_CASE("kqueue_selector: closed while it is watched, it ends no wait") {
  KqueueSelector selector;
  const auto [here, there] = stream_pair();
  selector.expect_forget(here);
  selector.register_(here, both);
  selector.unregister(here);
  ::close(here);
  for (int wait = 0; wait < 3; ++wait) {
    CHECK(selector.select(0s).empty());
  }
  ::close(there);
}

TEST_CASE("kqueue_selector: as many as there are, also beyond one answer") {
  constexpr std::size_t count = 400;
  std::vector<std::unique_ptr<Pair>> pairs;
  KqueueSelector selector;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    pairs.back()->send();
    selector.register_(pairs.back()->here, EVENT_READ);
  }
  std::size_t heard = 0;
  for (int round = 0; round < 10 && heard < count; ++round) {
    for (const auto& [key, events] : selector.select(0s)) {
      ++heard;
      CHECK(events == EVENT_READ);
      selector.forget(key.fd);
    }
  }
  CHECK(heard == count);
  CHECK(selector.select(0s).empty());
}

TEST_CASE("kqueue_selector: a timeout is not cut short") {
  using Clock = std::chrono::steady_clock;
  KqueueSelector selector;
  const Seconds timeout(2.9e-3);
  for (int i = 0; i < 10; ++i) {
    const auto start = Clock::now();
    CHECK(selector.select(timeout).empty());
    CHECK(Clock::now() - start >= timeout);
  }
}

TEST_CASE("kqueue_selector: less than a millisecond is slept, not left out") {
  KqueueSelector selector;
  const long before = times_asleep();
  for (int i = 0; i < 100; ++i) {
    CHECK(selector.select(Seconds(2e-5)).empty());
  }
  CHECK(times_asleep() - before >= 50);
}

// libkqueue gives some of its own back later, from a thread.
#ifndef ASYNCIO_LIBKQUEUE

TEST_CASE("kqueue_selector: closing it gives its descriptors back") {
  const Pair pair;
  const int before = open_descriptors();
  {
    KqueueSelector selector;
    selector.register_(pair.here, EVENT_READ);
    selector.close();
    CHECK(selector.get_map().empty());
    selector.close();
  }
  CHECK(open_descriptors() == before);
}

#endif

Coroutine<> answer(Socket socket, int messages) {
  for (int i = 0; i < messages; ++i) {
    std::string data = co_await sock_recv(socket, 100);
    co_await sock_sendall(socket, std::move(data));
  }
}

Coroutine<> ask(Socket socket, std::vector<std::string>* answers) {
  for (const std::string word : {"one", "two", "three"}) {
    co_await sock_sendall(socket, word);
    answers->push_back(co_await sock_recv(socket, 100));
  }
}

TEST_CASE("kqueue_selector: a loop runs on it") {
  EventLoop loop(std::make_unique<KqueueSelector>());
  std::vector<std::string> answers;
  for (int client = 0; client < 2; ++client) {
    const auto [left, right] = stream_pair();
    create_task(answer(Socket(left, loop), 3), loop);
    create_task(ask(Socket(right, loop), &answers), loop);
  }
  loop.run_until_idle();
  std::sort(answers.begin(), answers.end());
  CHECK(answers == std::vector<std::string>{
                       "one", "one", "three", "three", "two", "two"});
}

/// Is closed after everything else is gone.
EventLoop static_loop(std::make_unique<KqueueSelector>());

TEST_CASE("kqueue_selector: a static loop") {
  static const auto ends = stream_pair();
  static_loop.add_reader(ends.first, [] {});
  CHECK(static_loop.is_watched(ends.first, EVENT_READ));
}

}  // namespace test_kqueue_selector
