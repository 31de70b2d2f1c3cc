#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "ended.hpp"

namespace test_flattening {

using namespace asyncio;
using test_then::ended;

TEST_CASE("flattening: a callback that returns a future is waited for") {
  EventLoop loop;
  const Future<int> number(loop);
  const Future<std::string> answer(loop);
  const Future<std::string> next = number.then([&](int) { return answer; });
  number.set_result(1);
  loop.run_until_idle();
  CHECK_FALSE(next.done());
  answer.set_result("42");
  CHECK(ended(loop, next) == "42");
}

TEST_CASE("flattening: one that is done already will do as well") {
  EventLoop loop;
  const Future<> answer(loop);
  answer.set_result();
  const Future<> number(loop);
  const Future<> next = number.then([&] { return answer; });
  number.set_result();
  ended(loop, next);
  CHECK(next.done());
}

TEST_CASE("flattening: its exception comes out") {
  EventLoop loop;
  const Future<> number(loop);
  const Future<int> answer(loop);
  const Future<int> next = number.then([&] { return answer; });
  number.set_result();
  loop.run_until_idle();
  answer.set_exception(std::runtime_error("no answer"));
  CHECK_THROWS_WITH(ended(loop, next), "no answer");
}

TEST_CASE("flattening: its cancellation comes out as one") {
  EventLoop loop;
  const Future<> number(loop);
  const Future<int> answer(loop);
  const Future<int> next = number.then([&] { return answer; });
  number.set_result();
  loop.run_until_idle();
  answer.cancel();
  loop.run_until_idle();
  CHECK(next.cancelled());
}

TEST_CASE("flattening: cancelled meanwhile, it hears no more") {
  EventLoop loop;
  std::vector<std::string> reports;
  loop.set_exception_handler([&](const std::string& text, std::exception_ptr) {
    reports.push_back(text);
  });
  const Future<> number(loop);
  const Future<int> answer(loop);
  const Future<int> next = number.then([&] { return answer; });
  number.set_result();
  loop.run_until_idle();
  CHECK(next.cancel());
  CHECK_FALSE(answer.done());
  answer.set_result(1);
  loop.run_until_idle();
  CHECK(next.cancelled());
  CHECK(reports.empty());
}

TEST_CASE("flattening: a future that waits for itself would wait for ever") {
  EventLoop loop;
  const Future<> number(loop);
  std::optional<Future<>> itself;
  const auto give = [&] { return *itself; };
  itself = number.then(give);
  number.set_result();
  loop.run_until_idle();
  REQUIRE(itself->done());
  CHECK_THROWS_AS(itself->result(), std::logic_error);
}

}  // namespace test_flattening
