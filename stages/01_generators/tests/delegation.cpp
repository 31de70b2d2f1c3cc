// PEP 380: co_await hands everything over to another generator.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_delegation {

using namespace asyncio;

using Log = std::vector<std::string>;
using Ints = Generator<int, int, int>;

inline std::vector<int> list(Ints generator) {
  std::vector<int> numbers;
  for (int number : generator) {
    numbers.push_back(number);
  }
  return numbers;
}

inline Ints up_to(int n) {
  for (int i = 1; i <= n; ++i) {
    co_yield i;
  }
  co_return n;
}

inline Ints one_after_the_other(int n) {
  int sum = 0;
  for (int i = 1; i <= n; ++i) {
    sum += co_await up_to(i);
  }
  co_return sum;
}

TEST_CASE("delegation: one after the other, each with its result") {
  auto generator = one_after_the_other(3);
  std::vector<int> numbers;
  for (int number : generator) {
    numbers.push_back(number);
  }
  CHECK(numbers == std::vector<int>{1, 1, 2, 1, 2, 3});
  CHECK(generator.result() == 6);
}

inline Ints deep(int levels) {
  if (levels == 0) {
    co_return co_await up_to(2);
  }
  const int result = co_await deep(levels - 1);
  co_return result + 1;
}

TEST_CASE("delegation: through many levels, and back") {
  auto generator = deep(100);
  CHECK(generator.next() == 1);
  CHECK(generator.next() == 2);
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 102);
}

inline Ints two_in_one_expression() {
  const int sum = co_await up_to(1) + co_await up_to(2);
  co_return sum;
}

TEST_CASE("delegation: two in one expression") {
  auto generator = two_in_one_expression();
  while (generator.next()) {
  }
  CHECK(generator.result() == 3);
}

inline Ints awaits(Ints* delegate) { co_return co_await *delegate; }

TEST_CASE("delegation: to one that is half done") {
  auto delegate = up_to(3);
  delegate.next();
  auto generator = awaits(&delegate);
  CHECK(generator.next() == 2);
  CHECK(generator.next() == 3);
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 3);
}

TEST_CASE("delegation: to one that delegates already") {
  auto delegate = one_after_the_other(2);
  CHECK(delegate.next() == 1);
  CHECK(delegate.next() == 1);
  auto generator = awaits(&delegate);
  CHECK(generator.next() == 2);
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 3);
}

TEST_CASE("delegation: to one that has ended does not pause") {
  auto delegate = up_to(1);
  delegate.next();
  delegate.next();
  auto generator = awaits(&delegate);
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 1);
}

TEST_CASE("delegation: the delegate can still be driven directly") {
  auto delegate = up_to(4);
  auto generator = awaits(&delegate);
  CHECK(generator.next() == 1);
  CHECK(delegate.next() == 2);
  CHECK(generator.next() == 3);
  CHECK(delegate.next() == 4);
  CHECK_FALSE(delegate.next());
  CHECK_FALSE(generator.done());
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 4);
}

TEST_CASE("delegation: the middle of a chain can be driven directly") {
  auto middle = deep(3);
  auto generator = awaits(&middle);
  CHECK(generator.next() == 1);
  CHECK(middle.next() == 2);
  CHECK_FALSE(middle.next());
  CHECK(middle.result() == 5);
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 5);
}

inline Ints drives_by_hand(int* sum) {
  auto other = one_after_the_other(2);
  while (const std::optional<int> value = other.next()) {
    *sum += *value;
    co_yield *value * 10;
  }
  co_return 0;
}

TEST_CASE("delegation: a generator that drives another beside it") {
  int sum = 0;
  auto generator = drives_by_hand(&sum);
  auto outer = awaits(&generator);
  CHECK(list(std::move(outer)) == std::vector<int>{10, 10, 20});
  CHECK(sum == 4);
}

inline Ints fails_after(int n) {
  co_await up_to(n);
  throw std::domain_error("eels");
}

inline Ints recovers() {
  int result = 0;
  bool failed = false;
  try {
    result = co_await fails_after(1);
  } catch (const std::domain_error&) {
    failed = true;
  }
  if (failed) {
    result = co_await up_to(2);
  }
  co_return result;
}

TEST_CASE("delegation: the delegator may catch the error and delegate again") {
  auto generator = recovers();
  CHECK(generator.next() == 1);
  CHECK(generator.next() == 1);
  CHECK(generator.next() == 2);
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 2);
}

TEST_CASE("delegation: moving either of them changes nothing") {
  auto delegate = up_to(3);
  auto generator = awaits(&delegate);
  CHECK(generator.next() == 1);
  auto moved = std::move(generator);
  auto moved_delegate = std::move(delegate);
  CHECK(moved.next() == 2);
  CHECK(moved_delegate.next() == 3);
  CHECK_FALSE(moved.next());
  CHECK(moved.result() == 3);
}

inline Ints wraps(Ints inner) { co_return co_await inner; }

TEST_CASE("delegation: to a parameter") {
  CHECK(list(wraps(wraps(up_to(2)))) == std::vector<int>{1, 2});
}

inline Ints temporaries(Log* log) {
  struct Guard {
    Guard(Log* l, const char* t) : log(l), text(t) { log->push_back(text); }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() { log->push_back(std::string("~") + text); }
    Log* log;
    const char* text;
  };
  const Guard guard(log, "outer");
  const auto inner = [](Log* to) -> Ints {
    const Guard inside(to, "inner");
    co_yield 1;
    co_return 2;
  };
  const int result = co_await inner(log);
  log->push_back("back");
  co_return result;
}

TEST_CASE("delegation: the variables of the delegate die first") {
  Log log;
  auto generator = temporaries(&log);
  generator.next();
  generator.next();
  CHECK(log == Log{"outer", "inner", "~inner", "back", "~outer"});
}

}  // namespace test_delegation
