#include <sys/ioctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_call_soon_threadsafe {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

TEST_CASE("call_soon_threadsafe: wakes a loop that waits for nothing else") {
  EventLoop loop;
  std::optional<std::thread> thread;
  std::thread::id called_in;
  loop.call_soon([&] {
    thread.emplace([&] {
      loop.call_soon_threadsafe([&] {
        called_in = std::this_thread::get_id();
        loop.stop();
      });
    });
  });
  loop.run_forever();
  thread->join();
  CHECK((called_in == std::this_thread::get_id()));
}

TEST_CASE("call_soon_threadsafe: keeps its place among those of call_soon") {
  EventLoop loop;
  Log log;
  loop.call_soon([&] { log.push_back("one"); });
  loop.call_soon_threadsafe([&] { log.push_back("two"); });
  loop.call_soon([&] { log.push_back("three"); });
  loop.call_soon_threadsafe([&] { log.push_back("four"); });
  loop.run_until_idle();
  CHECK(log == Log{"one", "two", "three", "four"});
}

TEST_CASE("call_soon_threadsafe: a Handle finds its own call all the same") {
  EventLoop loop;
  Log log;
  loop.call_soon_threadsafe([&] { log.push_back("one"); });
  Handle handle = loop.call_soon([&] { log.push_back("cancelled"); });
  loop.call_soon_threadsafe([&] { log.push_back("two"); });
  handle.cancel();
  loop.run_until_idle();
  CHECK(log == Log{"one", "two"});
}

TEST_CASE("call_soon_threadsafe: from outside, before the loop runs") {
  EventLoop loop;
  bool called = false;
  std::thread([&] {
    loop.call_soon_threadsafe([&] { called = true; });
  }).join();
  loop.run_until_idle();
  CHECK(called);
}

TEST_CASE("call_soon_threadsafe: what a call asks for comes a round later") {
  EventLoop loop;
  int called = 0;
  std::function<void()> again = [&] {
    ++called;
    loop.call_soon_threadsafe(again);
  };
  again();
  for (int round = 1; round <= 5; ++round) {
    loop.run_once();
    CHECK(called == round + 1);
  }
}

TEST_CASE("call_soon_threadsafe: a loop that is never idle hears of it too") {
  EventLoop loop;
  std::function<void()> spin = [&] { loop.call_soon(spin); };
  spin();
  std::thread thread([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
  loop.run_forever();
  thread.join();
}

TEST_CASE("call_soon_threadsafe: nor do timers that are always due hide it") {
  EventLoop loop;
  std::function<void()> at_once = [&] { loop.call_later(0s, at_once); };
  at_once();
  std::thread thread([&] { loop.call_soon_threadsafe([&] { loop.stop(); }); });
  loop.run_forever();
  thread.join();
}

TEST_CASE("call_soon_threadsafe: a call that is taken early leaves one byte") {
  EventLoop loop;
  int called = 0;
  const auto bytes = [&] {
    int count = 0;
    ::ioctl(loop.mailbox()->fileno(), FIONREAD, &count);
    return count;
  };
  for (int i = 0; i < 3; ++i) {
    loop.call_soon_threadsafe([&] { ++called; });
    loop.run_once();
    CHECK(called == i + 1);
    CHECK(bytes() == 1);
  }
  // It ends the next wait, but only that.
  loop.call_later(1h, [] {});
  loop.run_once();
  CHECK(bytes() == 0);
}

Coroutine<> yields_until(const bool* done) {
  while (!*done) {
    co_await sleep(0s);
  }
}

TEST_CASE("call_soon_threadsafe: nor do tasks that only yield hide it") {
  EventLoop loop;
  bool done = false;
  std::thread thread([&] {
    loop.call_soon_threadsafe([&] { done = true; });
  });
  loop.run_until_complete(yields_until(&done));
  thread.join();
}

TEST_CASE("call_soon_threadsafe: an exception is reported as any other") {
  EventLoop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& message,
                                 std::exception_ptr) {
    log.push_back(message);
  });
  loop.call_soon_threadsafe([] { throw std::runtime_error("broken"); });
  loop.call_soon_threadsafe([&] { log.push_back("the next"); });
  loop.run_until_idle();
  CHECK(log == Log{"Exception in callback", "the next"});
}

/// Counts rounds, and the bytes that wake them.
class Counting : public SelectSelector {
 public:
  Ready select(std::optional<Seconds> timeout) override {
    Ready ready = SelectSelector::select(timeout);
    int bytes = 0;
    ::ioctl(mailbox->fileno(), FIONREAD, &bytes);
    ++rounds;
    wake_ups += bytes;
    most = std::max(most, bytes);
    return ready;
  }

  std::shared_ptr<Mailbox> mailbox;
  long rounds = 0;
  long wake_ups = 0;
  int most = 0;
};

TEST_CASE("call_soon_threadsafe: 8 threads, none lost, in order, one wake-up") {
  constexpr int threads = 8;
  const int calls = under_valgrind() ? 1'000 : 400'000;
  auto owned = std::make_unique<Counting>();
  Counting& selector = *owned;
  EventLoop loop(std::move(owned));
  selector.mailbox = loop.mailbox();
  std::vector<int> next(threads);
  int out_of_order = 0;
  int left = threads;
  std::latch start(threads);
  std::vector<std::thread> callers;
  for (int thread = 0; thread < threads; ++thread) {
    callers.emplace_back([&, thread] {
      start.arrive_and_wait();
      for (int call = 0; call < calls; ++call) {
        loop.call_soon_threadsafe([&, thread, call] {
          out_of_order += call != next[static_cast<std::size_t>(thread)]++;
        });
      }
      loop.call_soon_threadsafe([&] {
        if (--left == 0) {
          loop.stop();
        }
      });
    });
  }
  loop.run_forever();
  for (std::thread& caller : callers) {
    caller.join();
  }
  CHECK(next == std::vector<int>(threads, calls));
  CHECK(out_of_order == 0);
  CHECK(selector.most <= 1);
  CHECK(selector.wake_ups <= selector.rounds);
}

// ---- The end ----

// Once one is lost, nobody reads, and nobody writes any more.
TEST_CASE("call_soon_threadsafe: a call while the loop reads leaves a byte") {
  const int calls = under_valgrind() ? 1'000 : 400'000;
  Mailbox mailbox;
  std::atomic<bool> over = false;
  std::thread caller([&] {
    for (int i = 0; i < calls; ++i) {
      mailbox.post([] {});
    }
    over = true;
  });
  bool last = false;
  do {
    last = over;
    int bytes = 0;
    ::ioctl(mailbox.fileno(), FIONREAD, &bytes);
    if (bytes > 0) {
      mailbox.read();
    }
  } while (!last);
  caller.join();
  mailbox.post([] {});
  int bytes = 0;
  ::ioctl(mailbox.fileno(), FIONREAD, &bytes);
  CHECK(bytes == 1);
}

TEST_CASE("call_soon_threadsafe: a closed loop refuses") {
  EventLoop loop;
  const auto owned = std::make_shared<int>(1);
  loop.close();
  CHECK_THROWS_WITH_AS(loop.call_soon_threadsafe([owned] {}),
                       "the event loop is closed", std::logic_error);
  CHECK(owned.use_count() == 1);
}

TEST_CASE("call_soon_threadsafe: a mailbox outlives its loop, and refuses") {
  std::shared_ptr<Mailbox> mailbox;
  {
    EventLoop loop;
    mailbox = loop.mailbox();
  }
  const auto owned = std::make_shared<int>(1);
  bool taken = true;
  std::thread([&] { taken = mailbox->post([owned] {}); }).join();
  CHECK_FALSE(taken);
  CHECK(owned.use_count() == 1);
}

/// Asks for one more call as it dies, and notes whether that was refused.
struct AsksAgain {
  AsksAgain(std::shared_ptr<Mailbox> of_the_loop, bool* noted)
      : mailbox(std::move(of_the_loop)), taken(noted) {}
  ~AsksAgain() { *taken = mailbox->post([] {}); }
  AsksAgain(const AsksAgain&) = delete;
  AsksAgain& operator=(const AsksAgain&) = delete;

  std::shared_ptr<Mailbox> mailbox;
  bool* taken;
};

TEST_CASE("call_soon_threadsafe: what is dropped may ask, and is refused") {
  bool taken = true;
  EventLoop loop;
  loop.call_soon_threadsafe(
      [asks = std::make_shared<AsksAgain>(loop.mailbox(), &taken)] {});
  loop.close();
  CHECK_FALSE(taken);
}

TEST_CASE("call_soon_threadsafe: threads that call while the loop closes") {
  constexpr int threads = 4;
  const int tries = under_valgrind() ? 3 : 20;
  const int most = under_valgrind() ? 100 : 5'000;
  const auto owned = std::make_shared<int>(1);
  for (int i = 0; i < tries; ++i) {
    auto loop = std::make_unique<EventLoop>();
    int called = 0;
    std::vector<std::thread> callers;
    std::latch calling(threads);
    for (int thread = 0; thread < threads; ++thread) {
      callers.emplace_back([&, mailbox = loop->mailbox()] {
        mailbox->post([&called, owned] { ++called; });
        calling.count_down();
        for (int call = 0; call < most; ++call) {
          if (!mailbox->post([&called, owned] { ++called; })) {
            break;
          }
        }
      });
    }
    calling.wait();
    loop->run_once();
    CHECK(called >= threads);
    loop = nullptr;
    for (std::thread& caller : callers) {
      caller.join();
    }
    CHECK(owned.use_count() == 1);
  }
}

TEST_CASE("call_soon_threadsafe: where there is no descriptor it says so") {
  rlimit before = {};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit none = before;
  none.rlim_cur = 0;
  bool failed = false;
  ::setrlimit(RLIMIT_NOFILE, &none);
  try {
    const Mailbox mailbox;
  } catch (const std::system_error&) {
    failed = true;
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  CHECK(failed);
}

TEST_CASE("call_soon_threadsafe: no descriptor is left") {
  const int open = open_descriptors();
  {
    EventLoop loop;
    loop.call_soon_threadsafe([] {});
    loop.run_until_idle();
  }
  CHECK(open_descriptors() == open);
}

}  // namespace test_call_soon_threadsafe
