#include <exception>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_done_callbacks {

using namespace asyncio;
using Log = std::vector<std::string>;

/// A callback that says a word.
auto says(Log* log, std::string word) {
  return [log, word] { log->push_back(word); };
}

TEST_CASE("done_callbacks: never called by whoever sets the result") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  future.add_done_callback(says(&log, "called"));
  future.set_result(1);
  log.push_back("set");
  loop.run_until_idle();
  CHECK(log == Log{"set", "called"});
}

TEST_CASE("done_callbacks: in the order in which they were added") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  for (const char* name : {"a", "b", "c", "d"}) {
    future.add_done_callback(says(&log, name));
  }
  future.set_result(1);
  loop.run_until_idle();
  CHECK(log == Log{"a", "b", "c", "d"});
}

TEST_CASE("done_callbacks: behind what was asked for before") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  future.add_done_callback(says(&log, "callback"));
  loop.call_soon(says(&log, "before"));
  future.set_result(1);
  loop.call_soon(says(&log, "after"));
  loop.run_until_idle();
  CHECK(log == Log{"before", "callback", "after"});
}

TEST_CASE("done_callbacks: called with the future") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  future.add_done_callback([&](Future<int> done) {
    CHECK(done == future);
    log.push_back(std::to_string(done.result()));
  });
  const AnyFuture any = future;
  any.add_done_callback([&](AnyFuture done) {
    CHECK(done == future);
    log.push_back("any");
  });
  future.set_result(42);
  loop.run_until_idle();
  CHECK(log == Log{"42", "any"});
}

TEST_CASE("done_callbacks: added when it is done: soon, but not at once") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  future.set_result(1);
  future.add_done_callback(says(&log, "called"));
  log.push_back("added");
  loop.run_until_idle();
  CHECK(log == Log{"added", "called"});
}

TEST_CASE("done_callbacks: each once") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  future.add_done_callback(says(&log, "called"));
  future.set_result(1);
  CHECK_THROWS_AS(future.set_result(2), InvalidStateError);
  loop.run_until_idle();
  CHECK(log == Log{"called"});
}

TEST_CASE("done_callbacks: removed by the number that adding gave") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  future.add_done_callback(says(&log, "a"));
  const auto b = future.add_done_callback(says(&log, "b"));
  future.add_done_callback(says(&log, "c"));
  CHECK(future.remove_done_callback(b) == 1);
  CHECK(future.remove_done_callback(b) == 0);
  CHECK(future.remove_done_callback(b + 100) == 0);
  future.set_result(1);
  loop.run_until_idle();
  CHECK(log == Log{"a", "c"});
}

TEST_CASE("done_callbacks: too late to remove once the loop was told") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  const auto a = future.add_done_callback(says(&log, "a"));
  future.set_result(1);
  CHECK(future.remove_done_callback(a) == 0);
  loop.run_until_idle();
  CHECK(log == Log{"a"});
}

TEST_CASE("done_callbacks: adding and removing from within one") {
  EventLoop loop;
  Log log;
  const Future<int> future(loop);
  unsigned second = 0;
  future.add_done_callback([&](Future<int> done) {
    log.push_back("first");
    CHECK(done.remove_done_callback(second) == 0);
    done.add_done_callback(says(&log, "late"));
  });
  second = future.add_done_callback(says(&log, "second"));
  future.set_result(1);
  loop.run_until_idle();
  CHECK(log == Log{"first", "second", "late"});
}

TEST_CASE("done_callbacks: one that throws does not keep others from running") {
  EventLoop loop;
  Log log;
  loop.set_exception_handler([&](const std::string& what, std::exception_ptr) {
    log.push_back(what);
  });
  const Future<int> future(loop);
  future.add_done_callback([] { throw std::runtime_error("mine"); });
  future.add_done_callback(says(&log, "second"));
  future.set_result(1);
  loop.run_until_idle();
  CHECK(log == Log{"Exception in callback", "second"});
}

TEST_CASE("done_callbacks: the call keeps the future alive") {
  EventLoop loop;
  int result = 0;
  {
    const Future<int> future(loop);
    future.add_done_callback([&](Future<int> done) { result = done.result(); });
    future.set_result(7);
  }
  loop.run_until_idle();
  CHECK(result == 7);
}

TEST_CASE("done_callbacks: a future that nobody holds takes them along") {
  EventLoop loop;
  const auto owned = std::make_shared<int>(1);
  {
    const Future<int> future(loop);
    future.add_done_callback([owned](Future<int>) {});
    CHECK(owned.use_count() == 2);
  }
  CHECK(owned.use_count() == 1);
}

/// Its copy may throw.
struct Fragile {
  Fragile() = default;
  Fragile(const Fragile&) {
    if (broken) {
      throw std::bad_alloc();
    }
  }
  Fragile& operator=(const Fragile&) = delete;
  void operator()() const { ++called; }

  static inline bool broken = false;
  static inline int called = 0;
};

/// Cannot be stored.
struct Broken {
  Broken() = default;
  Broken(const Broken&) = default;
  Broken(Broken&&) { throw std::runtime_error("broken"); }
};

TEST_CASE("done_callbacks: a result that cannot be stored calls none") {
  EventLoop loop;
  Log log;
  const Future<Broken> future(loop);
  future.add_done_callback(says(&log, "called"));
  CHECK_THROWS_AS(future.set_result(Broken()), std::runtime_error);
  loop.run_until_idle();
  CHECK(log.empty());
}

TEST_CASE("done_callbacks: there must be a future") {
  EventLoop loop;
  Future<int> future(loop);
  const Future<int> moved = std::move(future);
  CHECK_THROWS_AS(future.add_done_callback([] {}), std::logic_error);
}

TEST_CASE("done_callbacks: is not copied when the future is done") {
  EventLoop loop;
  int others = 0;
  const Future<> future(loop);
  future.add_done_callback([&] { ++others; });
  future.add_done_callback(Fragile());
  future.add_done_callback([&] { ++others; });
  Fragile::broken = true;
  future.set_result();
  loop.run_until_idle();
  Fragile::broken = false;
  CHECK(Fragile::called == 1);
  CHECK(others == 2);
}

TEST_CASE("done_callbacks: a closed loop calls none, and says so") {
  EventLoop loop;
  const Future<> lonely(loop);
  const Future<> watched(loop);
  watched.add_done_callback([] {});
  loop.close();
  lonely.set_result();
  CHECK(lonely.done());
  CHECK_THROWS_WITH_AS(
      watched.set_result(), "the event loop is closed", std::logic_error);
  CHECK(watched.done());
}

}  // namespace test_done_callbacks
