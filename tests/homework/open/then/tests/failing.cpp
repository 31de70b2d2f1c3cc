#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"
#include "ended.hpp"

namespace test_failing {

using namespace asyncio;
using test_then::ended;
using Log = std::vector<std::string>;

/// A loop that remembers what it had to report.
struct Loop : EventLoop {
  Loop() {
    set_exception_handler(
        [this](const std::string&, std::exception_ptr exception) {
          reports.push_back(exception ? describe(exception) : "");
        });
  }
  ~Loop() { close(); }

  Log reports;
};

int fails(int) { throw std::runtime_error("in the callback"); }

TEST_CASE("failing: what the callback throws comes out of then()'s future") {
  Loop loop;
  const Future<int> number(loop);
  const Future<int> next = number.then(fails);
  number.set_result(1);
  CHECK_THROWS_WITH(ended(loop, next), "in the callback");
  CHECK(loop.reports.empty());
}

TEST_CASE("failing: without a result the callback is not called") {
  Loop loop;
  bool called = false;
  const Future<int> number(loop);
  const Future<> next = number.then([&](int) { called = true; });
  number.set_exception(std::runtime_error("no number"));
  CHECK_THROWS_WITH(ended(loop, next), "no number");
  CHECK_FALSE(called);
  CHECK(loop.reports.empty());
}

TEST_CASE("failing: nor is it for a future without a value") {
  Loop loop;
  bool called = false;
  const Future<> event(loop);
  const Future<> next = event.then([&] { called = true; });
  event.set_exception(std::runtime_error("it did not happen"));
  CHECK_THROWS_WITH(ended(loop, next), "it did not happen");
  CHECK_FALSE(called);
}

TEST_CASE("failing: an exception skips the rest of a chain") {
  Loop loop;
  int calls = 0;
  const Future<int> number(loop);
  const auto count = [&](int value) {
    ++calls;
    return value;
  };
  const auto end = number.then(count).then(fails).then(count).then(count);
  number.set_result(1);
  CHECK_THROWS_WITH(ended(loop, end), "in the callback");
  CHECK(calls == 1);
}

TEST_CASE("failing: nobody asks: reported once, not once for each link") {
  Loop loop;
  {
    const Future<int> number(loop);
    const auto pass = [](int value) { return value; };
    number.then(pass).then(pass).then(pass);
    number.set_exception(std::runtime_error("no number"));
  }
  loop.run_until_idle();
  CHECK(loop.reports == Log{"no number"});
}

}  // namespace test_failing
