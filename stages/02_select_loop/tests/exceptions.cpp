#include "common/testing.hpp"

#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "common/describe.hpp"
#include "event_loop.hpp"

using asyncio::EventLoop;

namespace test_exceptions {

static std::string stderr_of(const std::function<void()>& run) {
  const TemporaryFile file;
  std::fflush(stderr);
  const int saved = ::dup(STDERR_FILENO);
  const int fd = ::open(file.path().c_str(), O_WRONLY | O_CLOEXEC);
  ::dup2(fd, STDERR_FILENO);
  ::close(fd);
  run();
  std::fflush(stderr);
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  return file.read();
}

static void fail() { throw std::runtime_error("it went wrong"); }

}  // namespace test_exceptions

TEST_CASE("exceptions: a callback that throws does not end the loop") {
  EventLoop loop;
  std::string called;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr exception) {
        called += "(" + message + ": " + describe(exception) + ")";
      });
  loop.call_soon([&] { called += "a"; });
  loop.call_soon(test_exceptions::fail);
  loop.call_soon([&] { called += "b"; });
  loop.run_once();
  CHECK(called == "a(Exception in callback: it went wrong)b");
}

TEST_CASE("exceptions: what is thrown need not be a std::exception") {
  EventLoop loop;
  int told = 0;
  loop.set_exception_handler(
      [&](const std::string&, std::exception_ptr exception) {
        CHECK_THROWS_AS(std::rethrow_exception(exception), int);
        ++told;
      });
  loop.call_soon([] { throw 42; });
  loop.run_once();
  CHECK(told == 1);
}

TEST_CASE("exceptions: without a handler they are told on stderr") {
  const std::string text = test_exceptions::stderr_of([] {
    EventLoop loop;
    loop.call_soon(test_exceptions::fail);
    loop.run_once();
  });
  CHECK(text == "Exception in callback: it went wrong\n");
}

TEST_CASE("exceptions: nullptr takes the handler away again") {
  bool called = false;
  const std::string text = test_exceptions::stderr_of([&] {
    EventLoop loop;
    loop.set_exception_handler(
        [&](const std::string&, std::exception_ptr) { called = true; });
    loop.set_exception_handler(nullptr);
    loop.call_soon(test_exceptions::fail);
    loop.run_once();
  });
  CHECK(text == "Exception in callback: it went wrong\n");
  CHECK_FALSE(called);
}

TEST_CASE("exceptions: a handler that throws ends nothing, both are told") {
  bool called = false;
  const std::string text = test_exceptions::stderr_of([&] {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {
      throw std::runtime_error("I can't");
    });
    loop.call_soon(test_exceptions::fail);
    loop.call_soon([&] { called = true; });
    loop.run_once();
  });
  CHECK(called);
  CHECK(text.find("I can't\n") != std::string::npos);
  CHECK(text.find("Exception in callback: it went wrong\n") !=
        std::string::npos);
}

TEST_CASE("exceptions: anyone may tell the loop of an error") {
  EventLoop loop;
  std::string told;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr exception) {
        told = message + ": " + describe(exception);
      });
  loop.call_exception_handler(
      "connection lost",
      std::make_exception_ptr(std::runtime_error("no carrier"))
  );
  CHECK(told == "connection lost: no carrier");
}

TEST_CASE("exceptions: a handler may replace itself") {
  EventLoop loop;
  std::string told;
  const std::string name = "a name that is too long to be kept inline";
  loop.set_exception_handler(
      [&loop, &told, name](const std::string&, std::exception_ptr) {
        loop.set_exception_handler(nullptr);
        told += name;
      });
  loop.call_soon(test_exceptions::fail);
  loop.run_once();
  CHECK(told == name);
}

TEST_CASE("exceptions: there may be no exception, only a message") {
  const std::string text = test_exceptions::stderr_of([] {
    EventLoop loop;
    loop.call_exception_handler("something is odd", nullptr);
  });
  CHECK(text == "something is odd\n");
}

TEST_CASE("exceptions: without memory the message is told all the same") {
  const std::string message = "one that has to be copied to be told";
  const auto error = std::make_exception_ptr(std::runtime_error(message));
  EventLoop loop;
  bool has_failed = true;
  for (long k = 1; has_failed; ++k) {
    const std::string text = test_exceptions::stderr_of([&] {
      const FailingAllocation failing(k);
      CHECK_NOTHROW(loop.call_exception_handler(message, error));
      has_failed = failing.has_failed();
    });
    CHECK(text == message + (has_failed ? "\n" : ": " + message + "\n"));
  }
}

namespace test_exceptions {

/// Reports as it is destroyed.
struct LastWords {
  explicit LastWords(EventLoop& l) : loop(l) {}
  ~LastWords() { loop.call_exception_handler("last words", nullptr); }
  LastWords(const LastWords&) = delete;
  LastWords& operator=(const LastWords&) = delete;
  EventLoop& loop;
};

}  // namespace test_exceptions

TEST_CASE("exceptions: what a handler owns may report as that is replaced") {
  int by_the_old_one = 0;
  int by_the_new_one = 0;
  EventLoop loop;
  {
    const auto owned = std::make_shared<test_exceptions::LastWords>(loop);
    loop.set_exception_handler(
        [owned, &by_the_old_one](const std::string&, std::exception_ptr) {
          ++by_the_old_one;
        });
  }
  loop.set_exception_handler(
      [&by_the_new_one](const std::string&, std::exception_ptr) {
        ++by_the_new_one;
      });
  CHECK(by_the_old_one == 0);
  CHECK(by_the_new_one == 1);
}

TEST_CASE("exceptions: and as the loop ends") {
  const std::string text = test_exceptions::stderr_of([] {
    EventLoop loop;
    const auto owned = std::make_shared<test_exceptions::LastWords>(loop);
    loop.set_exception_handler(
        [owned](const std::string&, std::exception_ptr) {});
  });
  CHECK(text == "last words\n");
}
