#include "common/testing.hpp"

#ifdef __linux__

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio.hpp"

namespace test_epoll_selector {

using namespace asyncio;
using namespace std::chrono_literals;

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
    CHECK(::send(there, data.data(), data.size(), MSG_NOSIGNAL) > 0);
  }

  void receive() const {
    char byte;
    CHECK(::recv(here, &byte, 1, 0) == 1);
  }

  const int here;
  const int there;
};

std::vector<int> fds(const BaseSelector::Ready& ready) {
  std::vector<int> fds;
  for (const auto& [key, events] : ready) {
    fds.push_back(key.fd);
  }
  std::sort(fds.begin(), fds.end());
  return fds;
}

TEST_CASE("epoll_selector: it is what this system chooses") {
  const char* const wanted = std::getenv("ASYNCIO_SELECTOR");
  if (!wanted) {
    const auto selector = DefaultSelector();
    CHECK(dynamic_cast<EpollSelector*>(selector.get()) != nullptr);
  }
  CHECK(std::string(selector_choices().back().name) == "epoll");
}

TEST_CASE("epoll_selector: level-triggered, it tells until all was read") {
  const Pair pair;
  EpollSelector selector;
  selector.register_(pair.here, EVENT_READ);
  CHECK(selector.select(0s).empty());
  pair.send("two");
  for (int left = 3; left > 0; --left) {
    CHECK(fds(selector.select(0s)) == std::vector<int>{pair.here});
    pair.receive();
  }
  CHECK(selector.select(0s).empty());
}

TEST_CASE("epoll_selector: the events that were asked for, and the data") {
  const Pair pair;
  EpollSelector selector;
  selector.register_(pair.here, EVENT_READ, std::string("mine"));
  pair.send();
  auto ready = selector.select(std::nullopt);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == EVENT_READ);
  CHECK(std::any_cast<std::string>(ready[0].first.data) == "mine");

  selector.modify(pair.here, EVENT_READ | EVENT_WRITE);
  ready = selector.select(std::nullopt);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == (EVENT_READ | EVENT_WRITE));

  selector.modify(pair.here, EVENT_WRITE);
  ready = selector.select(std::nullopt);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == EVENT_WRITE);

  selector.unregister(pair.here);
  CHECK(selector.select(0s).empty());
}

TEST_CASE("epoll_selector: the end of a connection is readable and writable") {
  const Pair pair;
  EpollSelector selector;
  selector.register_(pair.here, EVENT_READ | EVENT_WRITE);
  ::shutdown(pair.there, SHUT_RDWR);
  const auto ready = selector.select(std::nullopt);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == (EVENT_READ | EVENT_WRITE));
}

TEST_CASE("epoll_selector: a hang-up alone is readable, and nothing else") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  EpollSelector selector;
  selector.register_(ends[0], EVENT_READ);
  ::close(ends[1]);
  const auto ready = selector.select(0s);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == EVENT_READ);
  selector.forget(ends[0]);
  ::close(ends[0]);
}

TEST_CASE("epoll_selector: an error alone wakes the writer") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  set_nonblocking(ends[1]);
  const std::string data(4096, 'x');
  while (::write(ends[1], data.data(), data.size()) > 0) {
  }
  EpollSelector selector;
  selector.register_(ends[1], EVENT_WRITE);
  CHECK(selector.select(0s).empty());
  ::close(ends[0]);
  const auto ready = selector.select(0s);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].second == EVENT_WRITE);
  selector.forget(ends[1]);
  ::close(ends[1]);
}

TEST_CASE("epoll_selector: a refused connection wakes the writer") {
  const int listener = listen_on("127.0.0.1", 0);
  const int port = port_of(listener);
  ::close(listener);
  const int fd = tcp_socket(AF_INET);
  const int error = start_connect(fd, "127.0.0.1", port);
  if (error == EINPROGRESS) {
    EpollSelector selector;
    selector.register_(fd, EVENT_WRITE);
    CHECK(fds(selector.select(5s)) == std::vector<int>{fd});
    CHECK(connect_error(fd) == ECONNREFUSED);
  } else {
    MESSAGE("skipped: here it is refused at once");
    CHECK(error == ECONNREFUSED);
  }
  ::close(fd);
}

TEST_CASE("epoll_selector: what cannot be waited for is an error at once") {
  EpollSelector selector;
  const int null = ::open("/dev/null", O_RDONLY);
  const auto refused = [&](int fd, int number) {
    try {
      selector.register_(fd, EVENT_READ);
    } catch (const std::system_error& error) {
      return error.code().value() == number
          && std::string(error.what()).find("epoll_ctl") == 0;
    }
    return false;
  };
  CHECK(refused(null, EPERM));
  ::close(null);
  CHECK(refused(null, EBADF));
  CHECK(selector.get_map().empty());
  CHECK_THROWS_AS(selector.get_key(null), std::out_of_range);

  SUBCASE("and leaves nothing behind") {
    const Pair pair;
    REQUIRE(::dup2(pair.here, null) == null);
    pair.send();
    selector.register_(null, EVENT_READ);
    CHECK(fds(selector.select(0s)) == std::vector<int>{null});
    selector.forget(null);
    ::close(null);
  }
}

TEST_CASE("epoll_selector: as many as there are, also beyond one answer") {
  constexpr std::size_t count = 400;
  std::vector<std::unique_ptr<Pair>> pairs;
  EpollSelector selector;
  for (std::size_t i = 0; i < count; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    pairs.back()->send();
    selector.register_(pairs.back()->here, EVENT_READ);
  }
  std::size_t heard = 0;
  for (int round = 0; round < 2; ++round) {
    for (const int fd : fds(selector.select(0s))) {
      ++heard;
      selector.forget(fd);
    }
  }
  CHECK(heard == count);
  CHECK(selector.select(0s).empty());
}

TEST_CASE("epoll_selector: a descriptor that no fd_set has room for") {
  raise_descriptor_limit();
  const Pair pair;
  const int high = ::fcntl(pair.here, F_DUPFD_CLOEXEC, FD_SETSIZE + 100);
  if (high < 0) {
    MESSAGE("skipped: this system allows no such descriptor");
    return;
  }
  EpollSelector selector;
  selector.register_(high, EVENT_READ);
  pair.send();
  CHECK(fds(selector.select(0s)) == std::vector<int>{high});
  selector.forget(high);
  ::close(high);
}

TEST_CASE("epoll_selector: a timeout is not cut short") {
  using Clock = std::chrono::steady_clock;
  EpollSelector selector;
  const Seconds timeout(2.9e-3);
  for (int i = 0; i < 10; ++i) {
    const auto start = Clock::now();
    CHECK(selector.select(timeout).empty());
    CHECK(Clock::now() - start >= timeout);
  }
}

TEST_CASE("epoll_selector: less than a millisecond is slept, not left out") {
  EpollSelector selector;
  const long before = times_asleep();
  for (int i = 0; i < 100; ++i) {
    CHECK(selector.select(Seconds(2e-5)).empty());
  }
  CHECK(times_asleep() - before >= 50);
}

TEST_CASE("epoll_selector: closing it gives its descriptor back") {
  const Pair pair;
  const int before = open_descriptors();
  {
    EpollSelector selector;
    CHECK(open_descriptors() == before + 1);
    selector.register_(pair.here, EVENT_READ);
    selector.close();
    CHECK(open_descriptors() == before);
    CHECK(selector.get_map().empty());
    selector.close();
  }
  CHECK(open_descriptors() == before);
}

}  // namespace test_epoll_selector

#endif
