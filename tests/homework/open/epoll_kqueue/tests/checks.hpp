// What is asked of either selector.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <any>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_checks {

using namespace asyncio;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

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

  /// Makes `here` readable.
  void send() const { CHECK(::send(there, "x", 1, 0) == 1); }

  /// Takes it back.
  void receive() const {
    char byte;
    CHECK(::recv(here, &byte, 1, 0) == 1);
  }

  const int here;
  const int there;
};

/// The selector of that name, among those that one can choose.
inline std::unique_ptr<BaseSelector> make_selector(const std::string& name) {
  for (const SelectorChoice& choice : selector_choices()) {
    if (choice.name == name) {
      return choice.create();
    }
  }
  FAIL("selector_choices() has no " << name);
  return nullptr;
}

/// What select() says, by descriptor. It may tell of reading and writing in
/// two entries, and once or twice find nobody before the time is over.
inline std::map<int, int> happened(
    BaseSelector& selector,
    std::optional<Seconds> timeout = Seconds(5)
) {
  BaseSelector::Ready ready;
  for (int i = 0; i < 3 && ready.empty(); ++i) {
    ready = selector.select(timeout);
  }
  std::map<int, int> result;
  for (const auto& [key, events] : ready) {
    CHECK((events & ~key.events) == 0);
    result[key.fd] |= events;
  }
  return result;
}

using Happened = std::map<int, int>;

inline void check_events(const std::string& name) {
  const auto selector = make_selector(name);
  const Pair pair;
  selector->register_(pair.here, EVENT_READ, 7);
  CHECK(happened(*selector, 0s).empty());
  pair.send();
  CHECK(happened(*selector) == Happened{{pair.here, EVENT_READ}});
  CHECK(std::any_cast<int>(selector->get_key(pair.here).data) == 7);
  selector->modify(pair.here, EVENT_WRITE);
  CHECK(happened(*selector) == Happened{{pair.here, EVENT_WRITE}});
  selector->modify(pair.here, both);
  CHECK(happened(*selector) == Happened{{pair.here, both}});
  pair.receive();
  CHECK(happened(*selector) == Happened{{pair.here, EVENT_WRITE}});
  selector->unregister(pair.here);
  CHECK(happened(*selector, 0s).empty());
  selector->register_(pair.here, EVENT_WRITE);
  CHECK(happened(*selector) == Happened{{pair.here, EVENT_WRITE}});
}

inline void check_level_triggered(const std::string& name) {
  const auto selector = make_selector(name);
  const Pair pair;
  selector->register_(pair.here, EVENT_READ);
  pair.send();
  for (int i = 0; i < 3; ++i) {
    CHECK(happened(*selector) == Happened{{pair.here, EVENT_READ}});
  }
  pair.receive();
  CHECK(happened(*selector, 0s).empty());
}

/// With a descriptor that could be written to, if anybody asked for that.
inline void check_timeout(const std::string& name) {
  const auto selector = make_selector(name);
  const Pair pair;
  const Pair other;
  selector->register_(pair.here, both);
  selector->modify(pair.here, EVENT_READ);
  selector->register_(other.here, EVENT_READ);
  // What was taken back may be told late, by the second wait.
  selector->select(0s);
  selector->select(0s);
  // More than once: a busy machine may be late by what was cut off.
  for (int i = 0; i < 7; ++i) {
    const auto start = Clock::now();
    CHECK(selector->select(2'900us).empty());
    CHECK(Clock::now() - start >= 2'900us);
  }
}

inline void check_closed_peer(const std::string& name) {
  const auto selector = make_selector(name);
  const auto [here, there] = stream_pair();
  selector->register_(here, EVENT_READ);
  CHECK(happened(*selector, 0s).empty());
  ::close(there);
  CHECK(happened(*selector) == Happened{{here, EVENT_READ}});
  selector->forget(here);
  ::close(here);
}

inline void check_many(const std::string& name) {
  if (raise_descriptor_limit() < 800) {
    MESSAGE("this system does not allow so many descriptors");
    return;
  }
  const auto selector = make_selector(name);
  std::vector<std::unique_ptr<Pair>> pairs;
  std::map<int, int> seen;
  for (int i = 0; i < 300; ++i) {
    pairs.push_back(std::make_unique<Pair>());
    pairs.back()->send();
    selector->register_(pairs.back()->here, EVENT_READ);
  }
  // Not all of them in one answer, but all of them.
  for (int i = 0; i < 300 && seen.size() < pairs.size(); ++i) {
    for (const auto& [fd, events] : happened(*selector)) {
      seen[fd] |= events;
    }
  }
  CHECK(seen.size() == pairs.size());
}

inline void check_refused(const std::string& name) {
  const auto selector = make_selector(name);
  const int closed = ::dup(0);
  ::close(closed);
  CHECK_THROWS_AS(selector->register_(closed, EVENT_READ), std::system_error);
  CHECK(selector->get_map().empty());
}

inline Coroutine<> echo(Socket socket) {
  while (true) {
    std::string data = co_await sock_recv(socket, 1000);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(socket, std::move(data));
  }
}

inline Coroutine<std::string> converse(Socket socket) {
  std::string answers;
  for (const char* word : {"one ", "two ", "three"}) {
    co_await sock_sendall(socket, word);
    co_await sleep(1s);
    answers += co_await sock_recv(socket, 1000);
  }
  co_return answers;
}

inline void check_loop(const std::string& name) {
  EventLoop loop(make_selector(name));
  loop.use_virtual_clock();
  const auto [here, there] = stream_pair();
  create_task(echo(Socket(here, loop)), loop);
  const auto answers = loop.run_until_complete(converse(Socket(there, loop)));
  CHECK(answers == "one two three");
  loop.run_until_idle();
}

inline void check_all_events(const std::string& name) {
  SUBCASE("both events, alone and together") { check_events(name); }
  SUBCASE("told again until it was read") { check_level_triggered(name); }
  SUBCASE("nobody is ready: it sleeps") { check_timeout(name); }
  SUBCASE("the other side closes") { check_closed_peer(name); }
  SUBCASE("three hundred") { check_many(name); }
  SUBCASE("a descriptor that is none") { check_refused(name); }
  SUBCASE("a loop on it") { check_loop(name); }
}

/// Forgotten and closed, but not gone: a duplicate keeps the socket open.
inline void check_duplicate(const std::string& name) {
  const auto selector = make_selector(name);
  const Pair pair;
  const int number = ::dup(pair.here);
  selector->register_(number, EVENT_READ);
  CHECK(happened(*selector, 0s).empty());
  selector->forget(number);
  ::close(number);
  pair.send();
  const auto start = Clock::now();
  CHECK(selector->select(20'500us).empty());
  CHECK(Clock::now() - start >= 20'500us);
}

inline void check_next_owner(const std::string& name) {
  const auto selector = make_selector(name);
  const Pair first;
  const Pair second;
  const int number = ::dup(first.here);
  for (int i = 0; i < 3; ++i) {
    selector->register_(number, EVENT_READ);
    CHECK(happened(*selector, 0s).empty());
    second.send();
    selector->forget(number);
    CHECK(::dup2(second.here, number) == number);
    selector->register_(number, EVENT_READ);
    CHECK(happened(*selector) == Happened{{number, EVENT_READ}});
    second.receive();
    selector->forget(number);
    CHECK(::dup2(first.here, number) == number);
  }
  ::close(number);
}

inline void check_nothing_is_left(const std::string& name) {
  const Pair pair;
  const int before = open_descriptors();
  for (int i = 0; i < 3; ++i) {
    const auto selector = make_selector(name);
    selector->register_(pair.here, EVENT_READ);
    selector->select(0s);
  }
  CHECK(open_descriptors() == before);
  const auto selector = make_selector(name);
  selector->register_(pair.here, both);
  selector->close();
  CHECK(selector->get_map().empty());
}

inline void check_all_forgetting(const std::string& name) {
  SUBCASE("while a duplicate is open") { check_duplicate(name); }
  SUBCASE("for the number's next owner") { check_next_owner(name); }
  SUBCASE("and the selector itself") { check_nothing_is_left(name); }
}

}  // namespace test_checks
