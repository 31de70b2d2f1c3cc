#include "common/testing.hpp"

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>

#include "event_loop.hpp"
#include "pair.hpp"

using asyncio::EventLoop;
using asyncio::Handle;
using test_select_loop::Pair;

namespace test_loop_close {

/// Tells the loop before it closes its descriptor, as one should.
class Owner {
 public:
  Owner(EventLoop& loop, int fd) : loop_(loop), fd_(::dup(fd)) {}
  ~Owner() {
    loop_.forget(fd_);
    ::close(fd_);
  }
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  int fileno() const { return fd_; }

 private:
  EventLoop& loop_;
  const int fd_;
};

}  // namespace test_loop_close

TEST_CASE("loop_close: a closed loop does not run") {
  EventLoop loop;
  CHECK_FALSE(loop.is_closed());
  loop.close();
  loop.close();
  CHECK(loop.is_closed());
  // One that runs all the same is not to wait for ever.
  loop.stop();
  CHECK_THROWS_AS(loop.run_once(), std::logic_error);
  CHECK_THROWS_AS(loop.run_forever(), std::logic_error);
}

TEST_CASE("loop_close: not from inside") {
  EventLoop loop;
  loop.call_soon([&] { CHECK_THROWS_AS(loop.close(), std::logic_error); });
  loop.run_once();
  CHECK_FALSE(loop.is_closed());
}

TEST_CASE("loop_close: what was still to be called is dropped, not called") {
  const Pair pair;
  EventLoop loop;
  bool called = false;
  const auto owned = std::make_shared<int>();
  loop.call_soon([&called, owned] { called = true; });
  loop.add_reader(pair.here, [&called, owned] { called = true; });
  loop.add_writer(pair.here, [&called, owned] { called = true; });
  loop.close();
  CHECK(owned.use_count() == 1);
  CHECK_FALSE(called);
}

TEST_CASE("loop_close: what a callback owns may still talk to the loop") {
  using test_loop_close::Owner;
  const Pair pair;
  const int before = open_descriptors();
  {
    EventLoop loop;
    const auto reading = std::make_shared<Owner>(loop, pair.here);
    loop.add_reader(reading->fileno(), [reading] {});
    const auto both = std::make_shared<Owner>(loop, pair.here);
    loop.add_reader(both->fileno(), [both] {});
    loop.add_writer(both->fileno(), [both] {});
    const auto queued = std::make_shared<Owner>(loop, pair.here);
    loop.add_writer(queued->fileno(), [] {});
    loop.call_soon([queued] {});
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("loop_close: so may what a removed callback owns") {
  using test_loop_close::Owner;
  const Pair pair;
  EventLoop loop;
  const int before = open_descriptors();
  int number;
  {
    const auto owner = std::make_shared<Owner>(loop, pair.here);
    number = owner->fileno();
    loop.add_reader(number, [owner] {});
  }
  CHECK(loop.remove_reader(number));
  CHECK(open_descriptors() == before);
}

TEST_CASE("loop_close: a closed loop takes nothing more") {
  const Pair pair;
  EventLoop loop;
  loop.close();
  const auto nothing = [] {};
  CHECK_THROWS_WITH_AS(
      loop.call_soon(nothing), "the event loop is closed", std::logic_error
  );
  CHECK_THROWS_AS(loop.add_reader(pair.here, nothing), std::logic_error);
  CHECK_THROWS_AS(loop.add_writer(pair.here, nothing), std::logic_error);
  CHECK_FALSE(loop.remove_reader(pair.here));
}

namespace test_loop_close {

/// Asks the loop for a call as it is destroyed, `left` times in all: each call
/// owns the next one that asks.
class Asks {
 public:
  Asks(EventLoop& loop, int* asked, int left)
      : loop_(loop), asked_(asked), left_(left) {}
  ~Asks() {
    ++*asked_;
    if (left_ > 0) {
      const auto next = std::make_shared<Asks>(loop_, asked_, left_ - 1);
      loop_.call_soon([next] {});
    }
  }
  Asks(const Asks&) = delete;
  Asks& operator=(const Asks&) = delete;

 private:
  EventLoop& loop_;
  int* const asked_;
  const int left_;
};

}  // namespace test_loop_close

TEST_CASE("loop_close: what is asked for while it closes is dropped as well") {
  const Pair pair;
  int asked = 0;
  EventLoop loop;
  {
    const auto asks = std::make_shared<test_loop_close::Asks>(loop, &asked, 3);
    loop.add_reader(pair.here, [asks] {});
  }
  loop.close();
  CHECK(asked == 4);
}

namespace test_loop_close {

/// Reports something as it is destroyed.
struct Reports {
  explicit Reports(EventLoop& l) : loop(l) {}
  ~Reports() { loop.call_exception_handler("destroyed", nullptr); }
  Reports(const Reports&) = delete;
  Reports& operator=(const Reports&) = delete;
  EventLoop& loop;
};

}  // namespace test_loop_close

TEST_CASE("loop_close: what a handler asks for then is refused") {
  int called = 0;
  bool refused = false;
  EventLoop loop;
  {
    const auto reports = std::make_shared<test_loop_close::Reports>(loop);
    loop.call_soon([reports] {});
  }
  loop.set_exception_handler([&](const std::string&, std::exception_ptr) {
    ++called;
    try {
      loop.call_soon([] {});
    } catch (const std::logic_error&) {
      refused = true;
    }
  });
  loop.close();
  CHECK(called == 1);
  CHECK(refused);
}

namespace test_loop_close {

/// Writes its name into a log as it is destroyed, and cancels a call.
class Cancels {
 public:
  Cancels(std::string& log, char name, const Handle& call)
      : log_(log), name_(name), call_(call) {}
  ~Cancels() {
    Handle(call_).cancel();
    log_ += name_;
  }
  Cancels(const Cancels&) = delete;
  Cancels& operator=(const Cancels&) = delete;

 private:
  std::string& log_;
  const char name_;
  const Handle& call_;
};

}  // namespace test_loop_close

TEST_CASE("loop_close: what is dropped may cancel what is still queued") {
  using test_loop_close::Cancels;
  std::string log;
  EventLoop loop;
  const Handle none;
  Handle third;
  {
    const auto a = std::make_shared<Cancels>(log, 'a', third);
    const auto b = std::make_shared<Cancels>(log, 'b', none);
    const auto c = std::make_shared<Cancels>(log, 'c', none);
    const auto d = std::make_shared<Cancels>(log, 'd', third);
    loop.call_soon([a] {});
    loop.call_soon([b] {});
    third = loop.call_soon([c] {});
    loop.call_soon([d] {});
  }
  loop.close();
  CHECK(log == "cabd");
}
