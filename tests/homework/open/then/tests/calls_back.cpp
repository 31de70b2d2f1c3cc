#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "ended.hpp"

namespace test_calls_back {

using namespace asyncio;
using test_then::ended;
using Log = std::vector<std::string>;

TEST_CASE("calls_back: with the result, and gives what is returned") {
  EventLoop loop;
  const Future<int> number(loop);
  const Future<std::string> text =
      number.then([](int value) { return std::to_string(value + 1); });
  CHECK_FALSE(text.done());
  number.set_result(41);
  CHECK(ended(loop, text) == "42");
}

TEST_CASE("calls_back: later, and not from whoever sets the result") {
  EventLoop loop;
  Log log;
  const Future<> before(loop);
  const Future<> after = before.then([&] { log.push_back("called"); });
  before.set_result();
  log.push_back("set");
  ended(loop, after);
  CHECK(log == Log{"set", "called"});
}

TEST_CASE("calls_back: later, even if the result is there already") {
  EventLoop loop;
  Log log;
  const Future<int> number(loop);
  number.set_result(1);
  const Future<> after =
      number.then([&](int) { log.push_back("called"); });
  log.push_back("asked");
  ended(loop, after);
  CHECK(log == Log{"asked", "called"});
}

TEST_CASE("calls_back: a chain, each with what the one before returned") {
  EventLoop loop;
  const Future<int> number(loop);
  const auto end = number.then([](int value) { return value * 10; })
                       .then([](int value) { return value + 2; })
                       .then([](int value) { return std::to_string(value); });
  number.set_result(4);
  CHECK(ended(loop, end) == "42");
}

TEST_CASE("calls_back: several on one future, in the order of asking") {
  EventLoop loop;
  Log log;
  const Future<int> number(loop);
  const Future<> first =
      number.then([&](int value) { log.push_back(std::to_string(value)); });
  const Future<> second =
      number.then([&](int value) { log.push_back(std::to_string(value + 1)); });
  number.set_result(1);
  ended(loop, second);
  CHECK(first.done());
  CHECK(log == Log{"1", "2"});
}

Coroutine<int> await_it(Future<int> number) {
  const Future<int> doubled = number.then([](int value) { return 2 * value; });
  co_return co_await doubled;
}

Coroutine<> set_it(Future<int> number) {
  number.set_result(21);
  co_return;
}

Coroutine<> compare(Future<int> number, int* result) {
  *result = co_await await_it(number);
}

TEST_CASE("calls_back: what then() gives can be awaited") {
  EventLoop loop;
  const Future<int> number(loop);
  int result = 0;
  create_task(compare(number, &result), loop);
  create_task(set_it(number), loop);
  loop.run_until_idle();
  CHECK(result == 42);
}

TEST_CASE("calls_back: nobody has to keep what is in the middle") {
  EventLoop loop;
  Future<int> number(loop);
  const auto token = std::make_shared<int>(7);
  const Future<int> end = number.then([token](int value) { return value; })
                              .then([](int value) { return value; });
  CHECK(token.use_count() == 2);
  number.set_result(5);
  CHECK(ended(loop, end) == 5);
  loop.run_until_idle();
  CHECK(token.use_count() == 1);
}

}  // namespace test_calls_back
