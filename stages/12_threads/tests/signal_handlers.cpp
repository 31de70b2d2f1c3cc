#include <fcntl.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_signal_handlers {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

/// Is called once, right after the next read() of this thread.
static thread_local void (*after_read)() = nullptr;

}  // namespace test_signal_handlers

// This one is found before the system's.
extern "C" ssize_t read(int fd, void* buffer, size_t size) {
  iovec place = {buffer, size};
  const ssize_t count = ::readv(fd, &place, 1);
  if (const auto call =
          std::exchange(test_signal_handlers::after_read, nullptr)) {
    call();
  }
  return count;
}

namespace test_signal_handlers {

void (*disposition(int number))(int) {
  struct sigaction action = {};
  ::sigaction(number, nullptr, &action);
  return action.sa_handler;
}

TEST_CASE("signal_handlers: called in the loop") {
  EventLoop loop;
  Log log;
  loop.add_signal_handler(SIGUSR1, [&] {
    log.push_back(loop.is_running() ? "called" : "called too early");
  });
  std::raise(SIGUSR1);
  CHECK(log == Log{});
  loop.run_once();
  CHECK(log == Log{"called"});
  std::raise(SIGUSR1);
  loop.run_once();
  CHECK(log == Log{"called", "called"});
}

TEST_CASE("signal_handlers: one for each signal") {
  EventLoop loop;
  Log log;
  loop.add_signal_handler(SIGUSR1, [&] { log.push_back("USR1"); });
  loop.add_signal_handler(SIGUSR2, [&] { log.push_back("USR2"); });
  std::raise(SIGUSR2);
  std::raise(SIGUSR1);
  loop.run_once();
  CHECK(log == Log{"USR2", "USR1"});
}

TEST_CASE("signal_handlers: one that ends the run loses no other") {
  EventLoop loop;
  Log log;
  loop.add_signal_handler(SIGUSR1, [] { throw KeyboardInterrupt(); });
  loop.add_signal_handler(SIGUSR2, [&] { log.push_back("USR2"); });
  std::raise(SIGUSR1);
  std::raise(SIGUSR2);
  CHECK_THROWS_AS(loop.run_once(), KeyboardInterrupt);
  loop.run_once();
  CHECK(log == Log{"USR2"});
}

TEST_CASE("signal_handlers: thousands at once, in a loop that is never idle") {
  EventLoop loop;
  constexpr int signals = 5'000;
  int heard = 0;
  loop.add_signal_handler(SIGUSR1, [&] { ++heard; });
  std::function<void()> spin = [&] { loop.call_soon(spin); };
  spin();
  for (int i = 0; i < signals; ++i) {
    std::raise(SIGUSR1);
  }
  for (int round = 0; round < 3; ++round) {
    loop.run_once();
  }
  CHECK(heard == signals);
}

/// Counts how often the system is asked.
class Asked : public SelectSelector {
 public:
  Ready select(std::optional<Seconds> timeout) override {
    ++times;
    return SelectSelector::select(timeout);
  }

  int times = 0;
};

TEST_CASE("signal_handlers: a busy loop asks once for a signal") {
  auto owned = std::make_unique<Asked>();
  Asked& selector = *owned;
  EventLoop loop(std::move(owned));
  bool heard = false;
  loop.add_signal_handler(SIGUSR1, [&] { heard = true; });
  std::function<void()> spin = [&] { loop.call_soon(spin); };
  spin();
  loop.run_once();
  CHECK(selector.times == 0);
  std::raise(SIGUSR1);
  for (int round = 0; round < 5; ++round) {
    loop.run_once();
  }
  CHECK(heard);
  CHECK(selector.times == 1);
}

TEST_CASE("signal_handlers: one from another thread wakes the loop") {
  EventLoop loop;
  loop.add_signal_handler(SIGUSR1, [&] { loop.stop(); });
  std::thread thread([] { ::kill(::getpid(), SIGUSR1); });
  loop.run_forever();
  thread.join();
}

TEST_CASE("signal_handlers: the old one is replaced") {
  EventLoop loop;
  Log log;
  const auto owned = std::make_shared<int>(1);
  const auto before = disposition(SIGUSR1);
  loop.add_signal_handler(SIGUSR1, [&, owned] { log.push_back("old"); });
  loop.add_signal_handler(SIGUSR1, [&] { log.push_back("new"); });
  CHECK(owned.use_count() == 1);
  std::raise(SIGUSR1);
  loop.run_once();
  CHECK(log == Log{"new"});
  CHECK(loop.remove_signal_handler(SIGUSR1));
  CHECK((disposition(SIGUSR1) == before));
}

TEST_CASE("signal_handlers: removed, the process does what it did before") {
  EventLoop loop;
  std::signal(SIGUSR1, SIG_IGN);
  CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
  bool called = false;
  loop.add_signal_handler(SIGUSR1, [&] { called = true; });
  CHECK(loop.has_signal_handler(SIGUSR1));
  std::raise(SIGUSR1);
  CHECK(loop.remove_signal_handler(SIGUSR1));
  CHECK_FALSE(loop.has_signal_handler(SIGUSR1));
  CHECK_FALSE(loop.remove_signal_handler(SIGUSR1));
  CHECK((disposition(SIGUSR1) == SIG_IGN));
  std::raise(SIGUSR1);
  // The first one is in the pipe; its handler is gone.
  loop.run_once();
  CHECK_FALSE(called);
  std::signal(SIGUSR1, SIG_DFL);
}

TEST_CASE("signal_handlers: a loop that closes removes its own") {
  const auto before = disposition(SIGUSR1);
  const auto owned = std::make_shared<int>(1);
  EventLoop loop;
  loop.add_signal_handler(SIGUSR1, [owned] {});
  loop.close();
  CHECK(owned.use_count() == 1);
  CHECK((disposition(SIGUSR1) == before));
  CHECK_THROWS_AS(loop.add_signal_handler(SIGUSR1, [] {}), std::logic_error);
}

TEST_CASE("signal_handlers: a handler may remove itself, or another one") {
  EventLoop loop;
  Log log;
  const auto owned = std::make_shared<Log>();
  loop.add_signal_handler(SIGUSR1, [&, owned] {
    loop.remove_signal_handler(SIGUSR1);
    loop.remove_signal_handler(SIGUSR2);
    owned->push_back("still there");
    log = *owned;
  });
  loop.add_signal_handler(SIGUSR2, [&] { log.push_back("removed"); });
  std::raise(SIGUSR1);
  std::raise(SIGUSR2);
  loop.run_once();
  CHECK(log == Log{"still there"});
  CHECK(owned.use_count() == 1);
}

TEST_CASE("signal_handlers: there is no such signal, or none to be caught") {
  EventLoop loop;
  for (const int number : {-1, 0, NSIG, 1000}) {
    CHECK_THROWS_AS(loop.add_signal_handler(number, [] {}),
                    std::invalid_argument);
    CHECK_FALSE(loop.has_signal_handler(number));
  }
  for (int i = 0; i < 2; ++i) {
    CHECK_THROWS_WITH_AS(loop.add_signal_handler(SIGKILL, [] {}),
                         "signal 9 cannot be caught", std::runtime_error);
    CHECK_FALSE(loop.has_signal_handler(SIGKILL));
  }
}

TEST_CASE("signal_handlers: a signal belongs to one loop") {
  EventLoop one;
  EventLoop other;
  Log log;
  one.add_signal_handler(SIGUSR1, [&] { log.push_back("one"); });
  CHECK_THROWS_AS(other.add_signal_handler(SIGUSR1, [] {}), std::runtime_error);
  CHECK_FALSE(other.has_signal_handler(SIGUSR1));
  std::raise(SIGUSR1);
  one.run_once();
  CHECK(log == Log{"one"});
  one.remove_signal_handler(SIGUSR1);
  other.add_signal_handler(SIGUSR1, [&] { log.push_back("other"); });
  std::raise(SIGUSR1);
  other.run_once();
  CHECK(log == Log{"one", "other"});
}

TEST_CASE("signal_handlers: what it throws is reported, or interrupts") {
  EventLoop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& message,
                                 std::exception_ptr) {
    log.push_back(message);
  });
  loop.add_signal_handler(SIGUSR1, [] { throw std::runtime_error("broken"); });
  loop.add_signal_handler(SIGUSR2, [] { throw KeyboardInterrupt(); });
  std::raise(SIGUSR1);
  loop.run_once();
  CHECK(log == Log{"Exception in callback"});
  std::raise(SIGUSR2);
  CHECK_THROWS_AS(loop.run_once(), KeyboardInterrupt);
}

TEST_CASE("signal_handlers: errno is the program's, even of a full pipe") {
  EventLoop loop;
  int called = 0;
  loop.add_signal_handler(SIGUSR1, [&] { ++called; });
#ifdef F_SETPIPE_SZ
  ::fcntl(loop.mailbox()->fileno(), F_SETPIPE_SZ, 4096);
  const int more_than_fit = 5'000;
#else
  const int more_than_fit = 70'000;
#endif
  errno = EDOM;
  for (int i = 0; i < more_than_fit; ++i) {
    std::raise(SIGUSR1);
  }
  CHECK(errno == EDOM);
  loop.run_once();
  CHECK(called > 0);
}

Coroutine<> yields_until(const bool* done) {
  while (!*done) {
    co_await sleep(0s);
  }
}

TEST_CASE("signal_handlers: one that comes as the pipe is read is not lost") {
  EventLoop loop;
  bool done = false;
  loop.add_signal_handler(SIGUSR1, [] {});
  loop.add_signal_handler(SIGUSR2, [&] { done = true; });
  after_read = [] { std::raise(SIGUSR2); };
  std::raise(SIGUSR1);
  // Never idle: it looks at the pipe only if it has reason to.
  const Task<> task = create_task(yields_until(&done), loop);
  for (int round = 0; round < 100 && !task.done(); ++round) {
    loop.run_once();
  }
  CHECK(done);
}

TEST_CASE("signal_handlers: while threads call, each signal is heard") {
  const int signals = under_valgrind() ? 20 : 500;
  EventLoop loop;
  std::binary_semaphore heard(0);
  std::atomic<bool> enough = false;
  std::atomic<long> posted = 0;
  long called = 0;
  loop.add_signal_handler(SIGUSR1, [&] { heard.release(); });
  // They outlive the threads: release() may return after acquire() has.
  std::deque<std::binary_semaphore> answers;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, &answered = answers.emplace_back(0)] {
      while (!enough) {
        ++posted;
        loop.call_soon_threadsafe([&] {
          ++called;
          answered.release();
        });
        answered.acquire();
      }
    });
  }
  std::thread sender([&] {
    for (int i = 0; i < signals; ++i) {
      ::kill(::getpid(), SIGUSR1);
      heard.acquire();
    }
    enough = true;
    for (std::thread& thread : threads) {
      thread.join();
    }
    loop.call_soon_threadsafe([&] { loop.stop(); });
  });
  loop.run_forever();
  sender.join();
  CHECK(called == posted);
}

// ---- Ctrl-C ----

Coroutine<> sleeps() { co_await sleep(1h); }

TEST_CASE("signal_handlers: a runner has SIGINT and SIGTERM while it runs") {
  for (const int number : {SIGINT, SIGTERM}) {
    const auto before = disposition(number);
    Runner runner;
    runner.get_loop().call_soon([number] {
      ::kill(::getpid(), number);
    });
    CHECK_THROWS_AS(runner.run(sleeps()), KeyboardInterrupt);
    CHECK((disposition(number) == before));
    CHECK_FALSE(runner.get_loop().has_signal_handler(number));
  }
}

TEST_CASE("signal_handlers: a handler of one's own stays, also for SIGINT") {
  Runner runner;
  EventLoop& loop = runner.get_loop();
  Log log;
  loop.add_signal_handler(SIGINT, [&] {
    log.push_back("mine");
    loop.stop();
  });
  loop.call_soon([] { std::raise(SIGINT); });
  CHECK_THROWS_AS(runner.run(sleeps()), std::runtime_error);
  CHECK(log == Log{"mine"});
  CHECK(loop.has_signal_handler(SIGINT));
}

Coroutine<> hangs() {
  std::raise(SIGINT);
  std::raise(SIGINT);
  ::_exit(1);
  co_return;
}

TEST_CASE("signal_handlers: a program that hangs is ended by the second one") {
  const pid_t child = ::fork();
  if (child == 0) {
    run(hangs());
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

}  // namespace test_signal_handlers
