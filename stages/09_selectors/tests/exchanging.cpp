// One loop, any selector; and the same coroutines in any loop.
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "watching.hpp"

namespace test_exchanging {

using namespace asyncio;
using namespace std::chrono_literals;
using test_watching::Pair;
using Log = std::vector<std::string>;

/// Runs a test in a loop of each selector that the system has.
template <class Test>
void in_each_loop(Test test) {
  for (const SelectorChoice& choice : selector_choices()) {
    INFO("selector: " << std::string(choice.name));
    EventLoop loop(choice.create());
    loop.use_virtual_clock();
    test(loop);
  }
}

TEST_CASE("exchanging: readers and writers are called") {
  in_each_loop([](EventLoop& loop) {
    const Pair pair;
    Log log;
    loop.add_reader(pair.here, [&] {
      pair.receive();
      log.push_back("read");
      loop.stop();
    });
    loop.add_writer(pair.there, [&] {
      pair.send();
      log.push_back("written");
      CHECK(loop.remove_writer(pair.there));
    });
    loop.run_forever();
    CHECK(log == Log{"written", "read"});
    CHECK(loop.remove_reader(pair.here));
  });
}

Coroutine<> echo(Socket socket) {
  while (true) {
    std::string data = co_await sock_recv(socket, 1000);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(socket, std::move(data));
  }
}

Coroutine<std::string> converse(Socket socket) {
  std::string answers;
  for (const char* word : {"one ", "two ", "three"}) {
    co_await sock_sendall(socket, word);
    co_await sleep(1s);
    answers += co_await sock_recv(socket, 1000);
  }
  co_return answers;
}

TEST_CASE("exchanging: coroutines do not notice") {
  in_each_loop([](EventLoop& loop) {
    const auto [here, there] = stream_pair();
    create_task(echo(Socket(here, loop)), loop);
    const auto answers =
        loop.run_until_complete(converse(Socket(there, loop)));
    CHECK(answers == "one two three");
    CHECK(loop.time() == 3s);
    loop.run_until_idle();
  });
}

Coroutine<> send_much(Socket socket) {
  co_await sock_sendall(socket, std::string(3'000'000, 'x'));
}

Coroutine<std::size_t> receive_all(Socket socket) {
  std::size_t received = 0;
  while (true) {
    const std::string data = co_await sock_recv(socket, 100'000);
    if (data.empty()) {
      co_return received;
    }
    received += data.size();
  }
}

TEST_CASE("exchanging: more than fits at once") {
  in_each_loop([](EventLoop& loop) {
    const auto [here, there] = stream_pair();
    create_task(send_much(Socket(here, loop)), loop);
    const std::size_t received =
        loop.run_until_complete(receive_all(Socket(there, loop)));
    CHECK(received == 3'000'000);
  });
}

TEST_CASE("exchanging: a number is heard for its next owner") {
  in_each_loop([](EventLoop& loop) {
    const Pair pair;
    for (int i = 0; i < 5; ++i) {
      const int fd = ::dup(pair.here);
      bool heard = false;
      loop.add_reader(fd, [&] {
        heard = true;
        loop.stop();
      });
      pair.send();
      loop.run_forever();
      CHECK(heard);
      pair.receive();
      loop.forget(fd);
      ::close(fd);
    }
  });
}

TEST_CASE("exchanging: both directions of one descriptor, one by one") {
  in_each_loop([](EventLoop& loop) {
    const Pair pair;
    int read = 0;
    int written = 0;
    loop.add_reader(pair.here, [&] { ++read; });
    loop.add_writer(pair.here, [&] { ++written; });
    pair.send();
    loop.run_once();
    CHECK(read == 1);
    CHECK(written == 1);
    loop.remove_writer(pair.here);
    loop.run_once();
    CHECK(read == 2);
    CHECK(written == 1);
    loop.remove_reader(pair.here);
    loop.add_writer(pair.here, [&] { ++written; });
    loop.run_once();
    CHECK(read == 2);
    CHECK(written == 2);
  });
}

/// No descriptor of this process has that number.
constexpr int no_descriptor = 123456;

/// Says that this one is ready, and asks nobody.
class Optimist : public BaseSelector {
 public:
  explicit Optimist(Log* log) : log_(log) {}
  ~Optimist() override {
    log_->push_back("destroyed with " + std::to_string(keys_.size()));
  }

  Ready select(std::optional<Seconds> timeout) override {
    log_->push_back(
        "select(" + (timeout ? std::to_string(timeout->count()) : "") + ")");
    Ready ready;
    if (const auto key = keys_.find(no_descriptor); key != keys_.end()) {
      ready.push_back({key->second, key->second.events});
    }
    return ready;
  }

 private:
  void update(int fd, int events) override {
    if (fd == no_descriptor) {
      log_->push_back("update(" + std::to_string(events) + ")");
    }
  }

  Log* log_;
};

TEST_CASE("exchanging: the loop asks whatever it was given") {
  Log log;
  {
    EventLoop loop(std::make_unique<Optimist>(&log));
    loop.add_reader(no_descriptor, [&] { log.push_back("read"); });
    loop.add_writer(no_descriptor, [&] { log.push_back("write"); });
    loop.run_once();
    loop.remove_reader(no_descriptor);
    loop.call_soon([] {});
    loop.run_once();  // right behind an answer it does not ask
    loop.call_soon([] {});
    loop.run_once();
  }
  CHECK(
      log
      == Log{
          "update(1)",
          "update(3)",
          "select()",
          "read",
          "write",
          "update(2)",
          "select(0.000000)",
          "write",
          "update(0)",
          "destroyed with 0",
      }
  );
}

/// Counts how often it is asked.
class Counting : public SelectSelector {
 public:
  explicit Counting(int* waits) : waits_(waits) {}

  Ready select(std::optional<Seconds> timeout) override {
    ++*waits_;
    return SelectSelector::select(timeout);
  }

 private:
  int* waits_;
};

Coroutine<> say_it(int fd, int times) {
  for (int i = 0; i < times; ++i) {
    co_await sock_sendall(fd, "x");
    co_await sock_recv(fd, 1);
  }
}

TEST_CASE("exchanging: one wait for a message") {
  const auto [here, there] = stream_pair();
  int waits = 0;
  {
    EventLoop loop(std::make_unique<Counting>(&waits));
    create_task(say_it(here, 50), loop);
    create_task(say_it(there, 50), loop);
    loop.run_until_idle();
  }
  CHECK(waits >= 25);
  CHECK(waits <= 60);
  ::close(here);
  ::close(there);
}

// Who makes the loop is one question, what runs in it another: coroutines ask
// for the running one, whoever has made it. CPython's policies live from that.
Coroutine<std::string> say_which(EventLoop* expected) {
  co_await sleep(1s);
  co_return &get_running_loop() == expected ? "this loop" : "another loop";
}

using Policy = std::function<std::unique_ptr<EventLoop>()>;

TEST_CASE("exchanging: whoever makes the loop") {
  Log log;
  const std::vector<Policy> policies = {
      [] { return std::make_unique<EventLoop>(); },
      [] {
        return std::make_unique<EventLoop>(std::make_unique<SelectSelector>());
      },
      [&] {
        return std::make_unique<EventLoop>(std::make_unique<Optimist>(&log));
      },
  };
  for (const Policy& new_event_loop : policies) {
    const auto loop = new_event_loop();
    loop->use_virtual_clock();
    CHECK(loop->run_until_complete(say_which(loop.get())) == "this loop");
    CHECK(loop->time() == 1s);
  }
}

TEST_CASE("exchanging: an odd selector is still one") {
  Log log;
  EventLoop loop(std::make_unique<Optimist>(&log));
  loop.use_virtual_clock();
  bool called = false;
  loop.call_later(2s, [&] { called = true; });
  loop.run_until_idle();
  CHECK(called);
  CHECK(log.front() == "select(0.000000)");
}

/// Fails in one of its waits, as poll() does when there is no memory.
class Flaky : public BaseSelector {
 public:
  explicit Flaky(int good) : good_(good) {}

  Ready select(std::optional<Seconds> timeout) override {
    if (good_-- == 0) {
      throw std::system_error(ENOMEM, std::generic_category(), "poll");
    }
    return real_->select(timeout);
  }

 private:
  void update(int fd, int events) override {
    if (events == 0) {
      real_->unregister(fd);
    }
    if (refuses) {
      throw std::system_error(ENOMEM, std::generic_category(), "update");
    }
    if (events == 0) {
      return;
    }
    if (real_->get_map().count(fd) > 0) {
      real_->modify(fd, events);
    } else {
      real_->register_(fd, events);
    }
  }

  std::unique_ptr<BaseSelector> real_ = std::make_unique<PollSelector>();
  int good_;

 public:
  bool refuses = false;
};

TEST_CASE("exchanging: a wait that fails ends the run, not the next one") {
  for (int good = 0; good < 4; ++good) {
    EventLoop loop(std::make_unique<Flaky>(good));
    const auto naps = [](Seconds delay) { return as_coroutine(sleep(delay)); };
    const auto brief = create_task(naps(1ms), loop);
    const auto first = create_task(naps(2ms), loop);
    try {
      loop.run_until_complete(first);
    } catch (const std::system_error& error) {
      CHECK(error.code().value() == ENOMEM);
    }
    const auto second = create_task(naps(4ms), loop);
    try {
      loop.run_until_complete(second);
    } catch (const std::system_error&) {
      loop.run_until_complete(second);
    }
    CHECK(second.done());
  }
}

TEST_CASE("exchanging: what the selector refuses is not registered") {
  auto owned = std::make_unique<Flaky>(100);
  Flaky& selector = *owned;
  EventLoop loop(std::move(owned));
  const auto [here, there] = stream_pair();
  const Socket left(here, loop);
  const Socket right(there, loop);
  int called = 0;
  selector.refuses = true;
  CHECK_THROWS_AS(loop.add_reader(left, [] {}), std::system_error);
  CHECK_FALSE(loop.is_watched(left, EVENT_READ));
  CHECK(selector.get_map().count(left) == 0);
  selector.refuses = false;
  loop.add_writer(left, [&] { ++called; });
  loop.run_once();
  CHECK(called == 1);
}

TEST_CASE("exchanging: what it does not want to let go of is reported") {
  auto owned = std::make_unique<Flaky>(100);
  Flaky& selector = *owned;
  EventLoop loop(std::move(owned));
  Log log;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    log.push_back(what);
  });
  const auto [here, there] = stream_pair();
  Socket left(here, loop);
  Socket right(there, loop);
  {
    const Watch watch(left, EVENT_READ, loop);
    selector.refuses = true;
  }
  CHECK(log == Log{"Exception ignored in ~Watch"});
  selector.refuses = false;
  const auto task = create_task(sock_recv(left, 1), loop);
  loop.run_once();
  REQUIRE(::send(right, "x", 1, 0) == 1);
  selector.refuses = true;
  for (int round = 0; round < 3; ++round) {
    loop.call_soon([] {});
    loop.run_once();
  }
  selector.refuses = false;
  CHECK(task.done());
  CHECK(log.back() == "Exception in callback");
}

TEST_CASE("exchanging: no loop without a selector") {
  std::unique_ptr<BaseSelector> none;
  CHECK_THROWS_WITH_AS(EventLoop(std::move(none)),
                       "an event loop needs a selector",
                       std::invalid_argument);
}

TEST_CASE("exchanging: a number beyond all reason costs nothing") {
  EventLoop loop(std::make_unique<PollSelector>());
  int called = 0;
  loop.add_reader(2'000'000'000, [&] {
    ++called;
    loop.remove_reader(2'000'000'000);
  });
  loop.run_once();
  CHECK(called == 1);
}

TEST_CASE("exchanging: closing the loop closes its selector") {
  struct Closes : PollSelector {
    explicit Closes(int* c) : closed(c) {}
    void close() override {
      ++*closed;
      PollSelector::close();
    }
    int* closed;
  };
  int closed = 0;
  {
    EventLoop loop(std::make_unique<Closes>(&closed));
    loop.close();
    CHECK(closed == 1);
  }
  CHECK(closed == 1);
}

TEST_CASE("exchanging: a socket promises to be forgotten, and is") {
  struct Notes : PollSelector {
    explicit Notes(Log* l) : log(l) {}
    void expect_forget(int fd) override {
      log->push_back("promised " + std::to_string(fd));
    }
    void forget(int fd) override {
      log->push_back("forgotten " + std::to_string(fd));
      PollSelector::forget(fd);
    }
    Log* log;
  };
  Log log;
  const Pair pair;
  EventLoop loop(std::make_unique<Notes>(&log));
  std::string number;
  {
    const Socket socket(::dup(pair.here), loop);
    number = std::to_string(socket);
    CHECK(log == Log{"promised " + number});
  }
  CHECK(log == Log{"promised " + number, "forgotten " + number});
}

}  // namespace test_exchanging
