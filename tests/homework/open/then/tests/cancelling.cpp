#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "ended.hpp"

namespace test_cancelling {

using namespace asyncio;
using test_then::ended;

TEST_CASE("cancelling: what comes after is cancelled, and nobody called") {
  EventLoop loop;
  bool called = false;
  const Future<int> number(loop);
  const Future<> next = number.then([&](int) { called = true; });
  const Future<> last = next.then([&] { called = true; });
  number.cancel();
  loop.run_until_idle();
  CHECK(next.cancelled());
  CHECK(last.cancelled());
  CHECK_FALSE(called);
}

TEST_CASE("cancelling: not backwards: others may wait for the first") {
  EventLoop loop;
  bool called = false;
  bool other_called = false;
  const Future<int> number(loop);
  const Future<> next = number.then([&](int) { called = true; });
  const Future<> other = number.then([&](int) { other_called = true; });
  CHECK(next.cancel());
  loop.run_until_idle();
  CHECK_FALSE(number.done());
  number.set_result(1);
  loop.run_until_idle();
  CHECK(number.result() == 1);
  CHECK_FALSE(called);
  CHECK(other_called);
  CHECK(other.done());
}

TEST_CASE("cancelling: too late for a callback that has run") {
  EventLoop loop;
  const Future<int> number(loop);
  const Future<int> next = number.then([](int value) { return value; });
  number.set_result(1);
  CHECK(ended(loop, next) == 1);
  CHECK_FALSE(next.cancel());
  CHECK_FALSE(number.cancel());
}

TEST_CASE("cancelling: between the result and the callback it is in time") {
  EventLoop loop;
  std::vector<std::string> reports;
  loop.set_exception_handler([&](const std::string& text, std::exception_ptr) {
    reports.push_back(text);
  });
  bool called = false;
  const Future<int> number(loop);
  const Future<> next = number.then([&](int) { called = true; });
  number.set_result(1);
  CHECK(next.cancel());
  loop.run_until_idle();
  CHECK(next.cancelled());
  CHECK_FALSE(called);
  CHECK(reports.empty());
}

void gives_up(int) { throw CancelledError("I give up"); }

TEST_CASE("cancelling: a callback that throws CancelledError cancels") {
  EventLoop loop;
  const Future<int> number(loop);
  const Future<> next = number.then(gives_up);
  number.set_result(1);
  loop.run_until_idle();
  CHECK(next.cancelled());
}

}  // namespace test_cancelling
