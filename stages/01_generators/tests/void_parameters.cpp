// Each of Yield, Send and Return may be void.
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_void_parameters {

using namespace asyncio;

template <class G>
using NextOf = decltype(std::declval<G&>().next());

inline Generator<void> nothing_at_all(int* steps) {
  ++*steps;
  co_yield None;
  ++*steps;
}

TEST_CASE("void_parameters: next tells if it yielded") {
  int steps = 0;
  auto generator = nothing_at_all(&steps);
  CHECK(std::is_same_v<NextOf<Generator<void>>, bool>);
  CHECK(generator.next() == true);
  CHECK(steps == 1);
  CHECK(generator.next() == false);
  CHECK(steps == 2);
  CHECK(generator.next() == false);
  generator.result();
}

TEST_CASE("void_parameters: result is there only at the end all the same") {
  int steps = 0;
  auto generator = nothing_at_all(&steps);
  CHECK_THROWS_AS(generator.result(), std::logic_error);
  generator.next();
  CHECK_THROWS_AS(generator.result(), std::logic_error);
  generator.next();
  CHECK_NOTHROW(generator.result());
  CHECK(std::is_void_v<decltype(generator.result())>);
}

inline Generator<int, void, int> no_send() {
  co_yield 1;
  co_return 2;
}

TEST_CASE("void_parameters: only Send is void") {
  auto generator = no_send();
  CHECK(std::is_same_v<NextOf<decltype(generator)>, std::optional<int>>);
  // There is only None to send, which is what next() does.
  CHECK(generator.send(None) == 1);
  CHECK_FALSE(generator.send(None));
  CHECK(generator.result() == 2);
}

inline Generator<void, int, int> only_receives() {
  int sum = 0;
  while (const std::optional<int> sent = co_yield None) {
    sum += *sent;
  }
  co_return sum;
}

TEST_CASE("void_parameters: only Yield is void") {
  auto generator = only_receives();
  CHECK(generator.next() == true);
  CHECK(generator.send(3) == true);
  CHECK(generator.send(4) == true);
  CHECK(generator.next() == false);
  CHECK(generator.result() == 7);
}

inline Generator<void, void, std::string> only_returns() {
  co_return "result";
}

TEST_CASE("void_parameters: only a result") {
  auto generator = only_returns();
  CHECK(generator.next() == false);
  CHECK(generator.result() == "result");
}

inline Generator<void, int> awaits_void_and_value(std::vector<int>* seen) {
  const std::optional<int> sent = co_yield None;
  seen->push_back(sent.value());
  const int sum = co_await only_receives();
  seen->push_back(sum);
}

inline Generator<void, int> awaits_void(std::vector<int>* seen) {
  co_await awaits_void_and_value(seen);
  seen->push_back(-1);
}

TEST_CASE("void_parameters: delegation gives nothing, or a value") {
  std::vector<int> seen;
  auto generator = awaits_void(&seen);
  generator.next();
  generator.send(1);
  generator.send(2);
  generator.send(3);
  generator.next();
  CHECK(seen == std::vector<int>{1, 5, -1});
  CHECK(generator.done());
}

inline Generator<bool> yields_bools() {
  co_yield false;
  co_yield true;
}

TEST_CASE("void_parameters: yielding false is not the end") {
  auto generator = yields_bools();
  CHECK(generator.next() == std::optional<bool>(false));
  CHECK(generator.next() == std::optional<bool>(true));
  CHECK(generator.next() == std::nullopt);
}

}  // namespace test_void_parameters
