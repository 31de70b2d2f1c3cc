// CPython's Lib/test/test_selectors.py, and some more, on every selector.
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <any>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <limits>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "watching.hpp"

namespace test_selectors {

using namespace asyncio;
using namespace std::chrono_literals;
using test_watching::happened;
using test_watching::on_each_selector;
using test_watching::Pair;
using Happened = std::map<int, int>;

constexpr int both = EVENT_READ | EVENT_WRITE;

Seconds now() { return std::chrono::steady_clock::now().time_since_epoch(); }

// ---- Keys ----------------------------------------------------------------

TEST_CASE("selectors: what was registered can be looked up") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_READ, std::string("data"));
    const SelectorKey& key = selector.get_key(pair.here);
    CHECK(key.fd == pair.here);
    CHECK(key.fileobj == pair.here);
    CHECK(key.events == EVENT_READ);
    CHECK(std::any_cast<std::string>(key.data) == "data");
    CHECK_THROWS_AS(selector.get_key(pair.there), std::out_of_range);
    CHECK_THROWS_WITH_AS(selector.get_key(999999),
                         "descriptor 999999 is not registered",
                         std::out_of_range);
  });
}

TEST_CASE("selectors: whoever changes a key is given it") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const SelectorKey& key = selector.register_(pair.here, EVENT_READ, 1);
    CHECK(&key == &selector.get_key(pair.here));
    CHECK(&selector.modify(pair.here, both, 2) == &key);
    const SelectorKey last = selector.unregister(pair.here);
    CHECK(last.fd == pair.here);
    CHECK(last.events == both);
    CHECK(std::any_cast<int>(last.data) == 2);
  });
}

TEST_CASE("selectors: no data is an empty any") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_READ);
    CHECK_FALSE(selector.get_key(pair.here).data.has_value());
  });
}

TEST_CASE("selectors: registering twice is an error and changes nothing") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_READ, 1);
    CHECK_THROWS_AS(
        selector.register_(pair.here, EVENT_WRITE, 2), std::invalid_argument);
    CHECK(selector.get_key(pair.here).events == EVENT_READ);
    CHECK(std::any_cast<int>(selector.get_key(pair.here).data) == 1);
    CHECK(happened(selector, 0s).empty());
  });
}

TEST_CASE("selectors: there are two events and no others") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    for (const int events : {0, 4, 999999, both | 8}) {
      CHECK_THROWS_AS(
          selector.register_(pair.here, events), std::invalid_argument);
    }
    CHECK(selector.get_map().empty());
    selector.register_(pair.here, EVENT_READ, 1);
    CHECK_THROWS_AS(selector.modify(pair.here, 0), std::invalid_argument);
    CHECK_THROWS_AS(selector.modify(pair.here, 4, 2), std::invalid_argument);
    CHECK(selector.get_key(pair.here).events == EVENT_READ);
    CHECK(std::any_cast<int>(selector.get_key(pair.here).data) == 1);
    pair.send();
    CHECK(happened(selector) == Happened{{pair.here, EVENT_READ}});
  });
}

TEST_CASE("selectors: a descriptor is not negative") {
  on_each_selector([](BaseSelector& selector) {
    CHECK_THROWS_AS(
        selector.register_(-10, EVENT_READ), std::invalid_argument);
    CHECK(selector.get_map().empty());
  });
}

TEST_CASE("selectors: the map shows what is watched") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const auto& keys = selector.get_map();
    CHECK(keys.empty());
    selector.register_(pair.here, EVENT_READ, 7);
    CHECK(keys.size() == 1);
    CHECK(std::any_cast<int>(keys.at(pair.here).data) == 7);
    selector.register_(pair.there, EVENT_WRITE);
    CHECK(keys.size() == 2);
    CHECK(keys.at(pair.there).events == EVENT_WRITE);
    CHECK(keys.count(999999) == 0);
    selector.unregister(pair.here);
    CHECK(keys.count(pair.here) == 0);
  });
}

// ---- Coming and going ----------------------------------------------------

TEST_CASE("selectors: to unregister the unknown is an error") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    CHECK_THROWS_AS(selector.unregister(999999), std::out_of_range);
    CHECK_THROWS_AS(selector.unregister(pair.here), std::out_of_range);
    selector.register_(pair.here, EVENT_READ);
    selector.unregister(pair.here);
    CHECK_THROWS_AS(selector.unregister(pair.here), std::out_of_range);
  });
}

TEST_CASE("selectors: who is unregistered is not told of") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const Pair other;
    pair.send();
    other.send();
    selector.register_(pair.here, EVENT_READ);
    selector.register_(other.here, EVENT_READ);
    selector.unregister(pair.here);
    for (int i = 0; i < 3; ++i) {
      CHECK(happened(selector) == Happened{{other.here, EVENT_READ}});
    }
    selector.unregister(other.here);
    for (int i = 0; i < 3; ++i) {
      CHECK(happened(selector, 0s).empty());
    }
  });
}

TEST_CASE("selectors: and may come back") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    pair.send();
    for (int i = 0; i < 10; ++i) {
      selector.register_(pair.here, i % 2 ? EVENT_READ : both);
      CHECK(happened(selector).at(pair.here) == (i % 2 ? EVENT_READ : both));
      selector.unregister(pair.here);
      // So that some are registered again at once, others after a while.
      for (int j = 0; j < i % 4; ++j) {
        CHECK(happened(selector, 0s).empty());
      }
    }
  });
}

TEST_CASE("selectors: to forget the unknown is no error") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.forget(pair.here);
    selector.register_(pair.here, EVENT_READ);
    selector.forget(pair.here);
    CHECK(selector.get_map().empty());
    selector.forget(pair.here);
  });
}

TEST_CASE("selectors: unregister also what is closed already") {
  on_each_selector([](BaseSelector& selector) {
    const auto [reader, writer] = stream_pair();
    selector.register_(reader, EVENT_READ);
    selector.register_(writer, EVENT_WRITE);
    ::close(reader);
    ::close(writer);
    selector.unregister(reader);
    selector.unregister(writer);
    CHECK(selector.get_map().empty());
    CHECK(happened(selector, 0s).empty());
  });
}

TEST_CASE("selectors: and what was closed and given to somebody else") {
  on_each_selector([](BaseSelector& selector) {
    const auto [reader, writer] = stream_pair();
    selector.register_(reader, EVENT_READ);
    selector.register_(writer, EVENT_WRITE);
    const Pair other;
    ::close(reader);
    ::close(writer);
    REQUIRE(::dup2(other.here, reader) == reader);
    REQUIRE(::dup2(other.there, writer) == writer);
    selector.unregister(reader);
    selector.unregister(writer);
    CHECK(selector.get_map().empty());
    ::close(reader);
    ::close(writer);
  });
}

TEST_CASE("selectors: who unregisters may close, and the number come back") {
  on_each_selector([](BaseSelector& selector) {
    for (int i = 0; i < 5; ++i) {
      const Pair pair;
      const int fd = ::dup(pair.here);
      selector.register_(fd, i % 2 ? EVENT_READ : both);
      // So that some come back at once, others after a while.
      for (int j = 0; j < i; ++j) {
        happened(selector, 0s);
      }
      selector.unregister(fd);
      const Pair next;
      REQUIRE(::dup2(next.here, fd) == fd);
      next.send();
      selector.register_(fd, EVENT_READ);
      CHECK(happened(selector) == Happened{{fd, EVENT_READ}});
      selector.unregister(fd);
      ::close(fd);
    }
  });
}

TEST_CASE("selectors: a number that was forgotten may have another owner") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    for (int i = 0; i < 5; ++i) {
      const int fd = ::dup(pair.here);
      if (i % 2) {
        selector.expect_forget(fd);
      }
      selector.register_(fd, EVENT_READ);
      pair.send();
      CHECK(happened(selector) == Happened{{fd, EVENT_READ}});
      pair.receive();
      CHECK(happened(selector, 0s).empty());
      selector.forget(fd);
      ::close(fd);
    }
  });
}

TEST_CASE("selectors: nor is its next owner promised") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const int fd = ::dup(pair.here);
    selector.expect_forget(fd);
    selector.register_(fd, EVENT_READ);
    selector.forget(fd);
    selector.register_(fd, EVENT_READ);
    selector.unregister(fd);
    // Nobody has promised to say so before this.
    const Pair next;
    REQUIRE(::dup2(next.here, fd) == fd);
    selector.register_(fd, EVENT_READ);
    next.send();
    CHECK(happened(selector, 0s) == Happened{{fd, EVENT_READ}});
    selector.forget(fd);
    ::close(fd);
  });
}

TEST_CASE("selectors: forgotten while nobody wants it, then it comes back") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const int fd = ::dup(pair.here);
    selector.expect_forget(fd);
    selector.register_(fd, EVENT_READ);
    selector.unregister(fd);
    selector.forget(fd);
    const Pair next;
    REQUIRE(::dup2(next.here, fd) == fd);
    selector.register_(fd, EVENT_READ);
    next.send();
    CHECK(happened(selector, 0s) == Happened{{fd, EVENT_READ}});
    selector.forget(fd);
    ::close(fd);
  });
}

TEST_CASE("selectors: who closes one without a word does not harm the others") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const Pair silent;
    const int closed = ::dup(pair.here);
    // Left open when another program is executed; that makes no difference.
    const int inherited = ::dup(silent.here);
    selector.register_(closed, both);
    selector.register_(pair.here, EVENT_READ);
    selector.register_(inherited, EVENT_READ);
    ::close(closed);
    pair.send();
    bool heard = false;
    for (int i = 0; i < 3 && !heard; ++i) {
      for (const auto& [key, events] : selector.select(10s)) {
        heard = heard || key.fd == pair.here;
        CHECK(key.fd != inherited);
        if (key.fd == closed) {
          selector.forget(closed);
        }
      }
    }
    CHECK(heard);
    selector.forget(inherited);
    ::close(inherited);
  });
}

TEST_CASE("selectors: to close is to unregister everything") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const auto data = std::make_shared<int>(1);
    selector.register_(pair.here, EVENT_READ, data);
    selector.register_(pair.there, EVENT_WRITE, data);
    selector.close();
    CHECK(selector.get_map().empty());
    CHECK_THROWS_AS(selector.get_key(pair.here), std::out_of_range);
    CHECK_THROWS_AS(selector.get_key(pair.there), std::out_of_range);
    CHECK(data.use_count() == 1);
    selector.close();
  });
}

template <class Selector>
void check_closed() {
  const Pair pair;
  Selector selector;
  selector.register_(pair.here, EVENT_READ);
  selector.register_(pair.there, EVENT_WRITE);
  pair.send();
  selector.close();
  CHECK(selector.select(0s).empty());
  selector.register_(pair.here, EVENT_READ);
  CHECK(happened(selector) == Happened{{pair.here, EVENT_READ}});
}

TEST_CASE("selectors: with no descriptor of its own, it can be used again") {
  check_closed<SelectSelector>();
  check_closed<PollSelector>();
}

TEST_CASE("selectors: a selector leaves no descriptor behind") {
  const int before = open_descriptors();
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_READ);
    happened(selector, 0s);
  });
  CHECK(open_descriptors() == before);
}

TEST_CASE("selectors: closed twice, it closes nobody else's descriptor") {
  on_each_selector([](BaseSelector& selector) {
    selector.close();
    // Has the number of the selector's own, if it had one.
    const Pair pair;
    selector.close();
    CHECK(::fcntl(pair.here, F_GETFD) >= 0);
    CHECK(::fcntl(pair.there, F_GETFD) >= 0);
  });
}

// libkqueue gives some of its own back later, from a thread.
#ifndef ASYNCIO_LIBKQUEUE

TEST_CASE("selectors: not even number 0") {
  const int input = ::dup(0);
  for (const SelectorChoice& choice : selector_choices()) {
    ::close(0);
    // If it has a descriptor it is this one.
    choice.create().reset();
    const bool free = ::fcntl(0, F_GETFD) < 0;
    if (input >= 0) {
      ::dup2(input, 0);
    }
    INFO("selector: " << std::string(choice.name));
    CHECK(free);
  }
  ::close(input);
}

#endif

// ---- Changing ------------------------------------------------------------

TEST_CASE("selectors: modify changes the events") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    pair.send();
    selector.register_(pair.here, EVENT_READ, 1);
    for (const int events :
         {EVENT_WRITE, both, EVENT_READ, both, EVENT_WRITE}) {
      selector.modify(pair.here, events);
      CHECK(selector.get_key(pair.here).events == events);
      CHECK(happened(selector) == Happened{{pair.here, events}});
      CHECK(happened(selector) == Happened{{pair.here, events}});
    }
    pair.receive();
    selector.modify(pair.here, EVENT_READ);
    CHECK(happened(selector, 0s).empty());
  });
}

TEST_CASE("selectors: modify changes the data") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_WRITE, 1);
    selector.modify(pair.here, EVENT_WRITE, std::string("two"));
    const SelectorKey& key = selector.get_key(pair.here);
    CHECK(key.events == EVENT_WRITE);
    CHECK(std::any_cast<std::string>(key.data) == "two");
    CHECK(happened(selector) == Happened{{pair.here, EVENT_WRITE}});
  });
}

TEST_CASE("selectors: modify without data leaves none") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_WRITE, 1);
    selector.modify(pair.here, EVENT_READ);
    CHECK_FALSE(selector.get_key(pair.here).data.has_value());
  });
}

TEST_CASE("selectors: to modify the unknown is an error") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    CHECK_THROWS_AS(selector.modify(999999, EVENT_READ), std::out_of_range);
    CHECK_THROWS_AS(
        selector.modify(pair.here, EVENT_READ, 1), std::out_of_range);
    CHECK(selector.get_map().empty());
  });
}

/// Cannot watch what the system refuses.
class Refuses : public BaseSelector {
 public:
  Ready select(std::optional<Seconds>) override { return {}; }

  bool refuses = false;

 private:
  void update(int, int) override {
    if (refuses) {
      throw std::runtime_error("refused");
    }
  }
};

TEST_CASE("selectors: what the system refuses changes nothing") {
  Refuses selector;
  selector.register_(0, EVENT_READ, 1);
  selector.refuses = true;
  CHECK_THROWS_AS(selector.modify(0, EVENT_WRITE, 2), std::runtime_error);
  CHECK(selector.get_key(0).events == EVENT_READ);
  CHECK(std::any_cast<int>(selector.get_key(0).data) == 1);
  CHECK_THROWS_AS(selector.register_(1, EVENT_READ), std::runtime_error);
  CHECK(selector.get_map().size() == 1);
}

TEST_CASE("selectors: without memory poll() is not asked") {
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    const Pair pair;
    const Pair other;
    PollSelector selector;
    try {
      const FailingAllocation failing(k);
      selector.register_(pair.here, EVENT_READ);
      has_failed = failing.has_failed();
    } catch (const std::bad_alloc&) {
      CHECK(selector.get_map().empty());
    }
    selector.register_(other.here, EVENT_READ);
    pair.send();
    other.send();
    // A hang-up is told of unasked.
    REQUIRE(::shutdown(pair.there, SHUT_RDWR) == 0);
    Happened wanted{{other.here, EVENT_READ}};
    if (!has_failed) {
      wanted[pair.here] = EVENT_READ;
    }
    CHECK(happened(selector, 1s) == wanted);
  }
}

// ---- Selecting -----------------------------------------------------------

TEST_CASE("selectors: tells who is ready, and of nobody else") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_READ);
    selector.register_(pair.there, EVENT_WRITE, 5);
    const auto ready = selector.select(std::nullopt);
    REQUIRE(ready.size() == 1);
    CHECK(ready[0].first.fd == pair.there);
    CHECK(ready[0].first.fileobj == pair.there);
    CHECK(ready[0].first.events == EVENT_WRITE);
    CHECK(std::any_cast<int>(ready[0].first.data) == 5);
    CHECK(ready[0].second == EVENT_WRITE);
  });
}

TEST_CASE("selectors: reading and writing come in one answer") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    pair.send();
    selector.register_(pair.here, both);
    CHECK(selector.select(std::nullopt).size() <= 2);
    CHECK(happened(selector) == Happened{{pair.here, both}});
  });
}

TEST_CASE("selectors: but only what has happened") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, both);
    CHECK(happened(selector) == Happened{{pair.here, EVENT_WRITE}});
    pair.send();
    set_nonblocking(pair.here);
    const std::string data(4096, 'x');
    while (::send(pair.here, data.data(), data.size(), 0) > 0) {
    }
    CHECK(happened(selector) == Happened{{pair.here, EVENT_READ}});
    pair.receive();
    CHECK(happened(selector, 0s).empty());
  });
}

TEST_CASE("selectors: tells again as long as it is so") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    pair.send();
    pair.send();
    selector.register_(pair.here, EVENT_READ);
    CHECK(happened(selector) == Happened{{pair.here, EVENT_READ}});
    CHECK(happened(selector) == Happened{{pair.here, EVENT_READ}});
    pair.receive();
    CHECK(happened(selector) == Happened{{pair.here, EVENT_READ}});
    pair.receive();
    CHECK(happened(selector, 0s).empty());
  });
}

TEST_CASE("selectors: the end of a stream can be read") {
  on_each_selector([](BaseSelector& selector) {
    const auto [here, there] = stream_pair();
    selector.register_(here, EVENT_READ);
    CHECK(happened(selector, 0s).empty());
    ::close(there);
    CHECK(happened(selector) == Happened{{here, EVENT_READ}});
    selector.forget(here);
    ::close(here);
  });
}

TEST_CASE("selectors: a full buffer cannot be written, a broken one can") {
  on_each_selector([](BaseSelector& selector) {
    const auto [here, there] = stream_pair();
    const std::string much(100000, 'x');
    while (::send(here, much.data(), much.size(), 0) > 0) {
    }
    selector.register_(here, EVENT_WRITE);
    CHECK(happened(selector, 0s).empty());
    ::close(there);
    CHECK(happened(selector) == Happened{{here, EVENT_WRITE}});
    selector.forget(here);
    ::close(here);
  });
}

TEST_CASE("selectors: a refused connection can be written") {
  on_each_selector([](BaseSelector& selector) {
    const int listener = listen_on("127.0.0.1", 0);
    const int port = port_of(listener);
    ::close(listener);
    const int fd = tcp_socket(AF_INET);
    const int error = start_connect(fd, "127.0.0.1", port);
    if (error == EINPROGRESS) {
      selector.register_(fd, EVENT_WRITE);
      CHECK(happened(selector) == Happened{{fd, EVENT_WRITE}});
      CHECK(connect_error(fd) == ECONNREFUSED);
      selector.forget(fd);
    } else {
      MESSAGE("skipped: here it is refused at once");
      CHECK(error == ECONNREFUSED);
    }
    ::close(fd);
  });
}

TEST_CASE("selectors: the ends of a pipe") {
  on_each_selector([](BaseSelector& selector) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    selector.register_(ends[0], EVENT_READ);
    selector.register_(ends[1], EVENT_WRITE);
    CHECK(happened(selector) == Happened{{ends[1], EVENT_WRITE}});
    selector.forget(ends[1]);
    ::close(ends[1]);
    CHECK(happened(selector) == Happened{{ends[0], EVENT_READ}});
    selector.forget(ends[0]);
    ::close(ends[0]);
  });
}

TEST_CASE("selectors: a full pipe that nobody reads any more") {
  on_each_selector([](BaseSelector& selector) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    set_nonblocking(ends[1]);
    const std::string data(4096, 'x');
    while (::write(ends[1], data.data(), data.size()) > 0) {
    }
    selector.register_(ends[1], EVENT_WRITE);
    CHECK(happened(selector, 0s).empty());
    ::close(ends[0]);
    // Whoever writes is told that it is broken.
    CHECK(happened(selector, 0s) == Happened{{ends[1], EVENT_WRITE}});
    selector.forget(ends[1]);
    ::close(ends[1]);
  });
}

TEST_CASE("selectors: twelve pairs, one message each") {
  on_each_selector([](BaseSelector& selector) {
    std::vector<std::unique_ptr<Pair>> pairs;
    for (int i = 0; i < 12; ++i) {
      pairs.push_back(std::make_unique<Pair>());
      selector.register_(pairs.back()->here, EVENT_READ);
      selector.register_(pairs.back()->there, EVENT_WRITE);
    }
    while (!pairs.empty()) {
      const auto idle = happened(selector);
      CHECK(idle.size() == pairs.size());
      for (const auto& pair : pairs) {
        CHECK(idle.count(pair->there) == 1);
      }
      // Not in the order in which they were registered.
      const std::size_t place = pairs.size() * 5 / 7;
      const Pair& pair = *pairs[place];
      pair.send();
      const auto busy = happened(selector);
      CHECK(busy.size() == pairs.size() + 1);
      CHECK(busy.at(pair.here) == EVENT_READ);
      pair.receive();
      selector.unregister(pair.here);
      selector.unregister(pair.there);
      selector.forget(pair.here);
      selector.forget(pair.there);
      pairs.erase(pairs.begin() + static_cast<std::ptrdiff_t>(place));
    }
    CHECK(selector.get_map().empty());
  });
}

// ---- Time ----------------------------------------------------------------

TEST_CASE("selectors: nothing to watch, no time to wait") {
  on_each_selector([](BaseSelector& selector) {
    CHECK(selector.select(0s).empty());
    CHECK(selector.select(-1s).empty());
  });
}

TEST_CASE("selectors: a timeout of zero or less does not wait") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.there, EVENT_WRITE);
    CHECK(happened(selector, 0s).size() == 1);
    CHECK(happened(selector, -1s).size() == 1);
    selector.unregister(pair.there);
    selector.register_(pair.here, EVENT_READ);
    CHECK(happened(selector, 0s).empty());
    CHECK(happened(selector, -1s).empty());
  });
}

TEST_CASE("selectors: a timeout ends the wait, never too early") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    // More than one: a busy machine may be late by what was cut off.
    for (const double seconds : {1e-7, 0.0019, 0.0029, 0.0123456789}) {
      const Seconds timeout(seconds);
      Seconds begin = now();
      CHECK(selector.select(timeout).empty());
      CHECK(now() - begin >= timeout);
      selector.register_(pair.here, EVENT_READ);
      begin = now();
      CHECK(selector.select(timeout).empty());
      CHECK(now() - begin >= timeout);
      selector.unregister(pair.here);
    }
  });
}

/// Does something in a moment, in a thread.
class Soon {
 public:
  template <class Call>
  explicit Soon(Call call)
      : thread_([call] {
          std::this_thread::sleep_for(10ms);
          call();
        }) {}
  ~Soon() { thread_.join(); }
  Soon(const Soon&) = delete;
  Soon& operator=(const Soon&) = delete;

 private:
  std::thread thread_;
};

TEST_CASE("selectors: a long timeout is waited for") {
  on_each_selector([](BaseSelector& selector) {
    for (const Seconds timeout : {1000s, 1000000s}) {
      const Pair pair;
      selector.register_(pair.here, EVENT_READ);
      const Soon soon([&] { pair.send(); });
      CHECK(happened(selector, timeout) == Happened{{pair.here, EVENT_READ}});
      selector.unregister(pair.here);
    }
  });
}

TEST_CASE("selectors: what nobody asks for does not end the wait") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    pair.send();
    set_nonblocking(pair.here);
    const std::string data(4096, 'x');
    while (::send(pair.here, data.data(), data.size(), 0) > 0) {
    }
    selector.register_(pair.here, EVENT_WRITE);
    const Soon soon([&] {
      std::vector<char> buffer(10 << 20);
      set_nonblocking(pair.there);
      while (::recv(pair.there, buffer.data(), buffer.size(), 0) > 0) {
      }
    });
    CHECK(happened(selector, 1000s) == Happened{{pair.here, EVENT_WRITE}});
  });
}

TEST_CASE("selectors: an endless timeout is not one that is over") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    pair.send();
    selector.register_(pair.here, EVENT_READ);
    const Seconds endless(std::numeric_limits<double>::infinity());
    CHECK(happened(selector, endless).size() == 1);
    CHECK(happened(selector, Seconds(1e300)).size() == 1);
  });
}

/// Interrupts whatever the process waits in, every millisecond.
class Ticks {
 public:
  Ticks() {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    set(1000);
  }
  ~Ticks() {
    set(0);
    // One may still be on its way: under valgrind that takes a while.
    ::signal(SIGALRM, SIG_IGN);
  }
  Ticks(const Ticks&) = delete;
  Ticks& operator=(const Ticks&) = delete;

 private:
  static void set(int microseconds) {
    itimerval time = {};
    time.it_value.tv_usec = microseconds;
    time.it_interval.tv_usec = microseconds;
    ::setitimer(ITIMER_REAL, &time, nullptr);
  }
};

TEST_CASE("selectors: a signal ends the wait, and nobody is ready") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    selector.register_(pair.here, EVENT_READ);
    const Ticks ticks;
    CHECK(selector.select(std::nullopt).empty());
    CHECK(selector.select(1000s).empty());
  });
}

/// Allows no more descriptors than `count`, as long as it lives.
class Limit {
 public:
  explicit Limit(rlim_t count) {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    rlimit limit = before_;
    limit.rlim_cur = count;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  ~Limit() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  rlimit before_ = {};
};

/// Whether it is asked by a descriptor of its own.
bool has_descriptor(const SelectorChoice& choice) {
  const std::string name = choice.name;
  return name != "select" && name != "poll";
}

TEST_CASE("selectors: what the system refuses is an error") {
  if (under_valgrind()) {
    MESSAGE("skipped: valgrind has limits of its own");
    return;
  }
  const Pair pair;
  for (const SelectorChoice& choice : selector_choices()) {
    INFO("selector: " << std::string(choice.name));
    const Limit limit(0);
    if (has_descriptor(choice)) {
      CHECK_THROWS_AS(choice.create(), std::system_error);
    }
  }
#ifdef __linux__
  // It allows poll() no more than it allows descriptors.
  PollSelector selector;
  selector.register_(pair.here, EVENT_READ);
  const Limit limit(0);
  CHECK_THROWS_AS(selector.select(0s), std::system_error);
#endif
}

TEST_CASE("selectors: to ask one that is closed is an error") {
  for (const SelectorChoice& choice : selector_choices()) {
    INFO("selector: " << std::string(choice.name));
    const auto selector = choice.create();
    selector->close();
    if (has_descriptor(choice)) {
      CHECK_THROWS_AS(selector->select(0s), std::system_error);
    } else {
      CHECK(selector->select(0s).empty());
    }
  }
}

// ---- Data ----------------------------------------------------------------

TEST_CASE("selectors: data lives as long as its key") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const auto first = std::make_shared<int>(1);
    const auto second = std::make_shared<int>(2);
    selector.register_(pair.here, EVENT_READ, first);
    CHECK(first.use_count() == 2);
    selector.modify(pair.here, EVENT_READ, second);
    CHECK(first.use_count() == 1);
    CHECK(second.use_count() == 2);
    selector.unregister(pair.here);
    CHECK(second.use_count() == 1);
  });
}

TEST_CASE("selectors: an answer has keys of its own") {
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const Pair other;
    const auto data = std::make_shared<int>(1);
    selector.register_(pair.there, EVENT_WRITE, data);
    selector.register_(other.there, EVENT_WRITE, data);
    const auto ready = selector.select(std::nullopt);
    REQUIRE(ready.size() == 2);
    // Whoever is called for the first may take away the second.
    selector.unregister(pair.there);
    selector.unregister(other.there);
    for (const auto& [key, events] : ready) {
      CHECK(*std::any_cast<std::shared_ptr<int>>(key.data) == 1);
      CHECK(events == EVENT_WRITE);
    }
  });
}

TEST_CASE("selectors: data can be a function to call") {
  using Handler = void (*)(BaseSelector&, int, int*);
  on_each_selector([](BaseSelector& selector) {
    const Pair pair;
    const Handler count = [](BaseSelector& its, int fd, int* calls) {
      ++*calls;
      if (*calls == 3) {
        its.unregister(fd);
      }
    };
    selector.register_(pair.there, EVENT_WRITE, count);
    int calls = 0;
    while (!selector.get_map().empty()) {
      for (const auto& [key, events] : selector.select(10s)) {
        std::any_cast<Handler>(key.data)(selector, key.fd, &calls);
      }
    }
    CHECK(calls == 3);
  });
}

}  // namespace test_selectors
