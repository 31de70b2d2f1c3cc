// PEP 255: a function that pauses at each yield.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_yielding {

using namespace asyncio;

using Log = std::vector<std::string>;

inline Generator<int> logging(Log* log) {
  log->push_back("a");
  co_yield 1;
  log->push_back("b");
  co_yield 2;
  log->push_back("c");
}

TEST_CASE("yielding: nothing runs before the first next") {
  Log log;
  auto generator = logging(&log);
  CHECK(log.empty());
  CHECK_FALSE(generator.done());
}

TEST_CASE("yielding: next runs to the next yield and no further") {
  Log log;
  auto generator = logging(&log);
  CHECK(generator.next() == 1);
  CHECK(log == Log{"a"});
  CHECK(generator.next() == 2);
  CHECK(log == Log{"a", "b"});
  CHECK_FALSE(generator.done());
  CHECK(generator.next() == std::nullopt);
  CHECK(log == Log{"a", "b", "c"});
  CHECK(generator.done());
}

TEST_CASE("yielding: after the end next gives nothing") {
  Log log;
  auto generator = logging(&log);
  while (generator.next()) {
  }
  CHECK_FALSE(generator.next());
  CHECK_FALSE(generator.next());
  CHECK(log == Log{"a", "b", "c"});
}

inline Generator<int> no_yield(bool yields) {
  if (yields) {
    co_yield 1;
  }
}

TEST_CASE("yielding: one that never yields") {
  auto generator = no_yield(false);
  CHECK_FALSE(generator.next());
  CHECK(generator.done());
}

inline Generator<std::string> words(std::string first, int n) {
  co_yield first;
  for (int i = 0; i < n; ++i) {
    first += '.';
    co_yield first;
  }
}

TEST_CASE("yielding: parameters and local variables live as long as it") {
  std::string word = "a word that does not fit into the object itself";
  auto generator = words(word, 2);
  word = "other";
  CHECK(generator.next() == "a word that does not fit into the object itself");
  generator.next();
  CHECK(generator.next() ==
        "a word that does not fit into the object itself..");
}

TEST_CASE("yielding: two of the same function know nothing of each other") {
  auto one = words("one", 1);
  auto two = words("two", 1);
  CHECK(one.next() == "one");
  CHECK(two.next() == "two");
  CHECK(one.next() == "one.");
  CHECK(two.next() == "two.");
}

inline Generator<int> count_to(int n) {
  for (int i = 1; i <= n; ++i) {
    co_yield i;
  }
}

TEST_CASE("yielding: range-for runs to the end") {
  std::vector<int> numbers;
  for (int number : count_to(3)) {
    numbers.push_back(number);
  }
  CHECK(numbers == std::vector<int>{1, 2, 3});
  for (int number : count_to(0)) {
    numbers.push_back(number);
  }
  CHECK(numbers.size() == 3);
}

TEST_CASE("yielding: a range-for that is left early can be taken up") {
  auto generator = count_to(4);
  for (int number : generator) {
    if (number == 2) {
      break;
    }
  }
  CHECK(generator.next() == 3);
}

TEST_CASE("yielding: range-for gives the yielded object itself") {
  std::vector<std::string> taken;
  for (std::string& word : words("w", 1)) {
    taken.push_back(std::move(word));
  }
  CHECK(taken == std::vector<std::string>{"w", "w."});
}

inline Generator<int> one_then_error() {
  co_yield 1;
  throw std::domain_error("eels");
}

TEST_CASE("yielding: an error comes out of range-for") {
  int seen = 0;
  const auto run = [&seen] {
    for (int number : one_then_error()) {
      seen += number;
    }
  };
  CHECK_THROWS_WITH_AS(run(), "eels", std::domain_error);
  CHECK(seen == 1);
}

TEST_CASE("yielding: assigning replaces it") {
  auto generator = count_to(2);
  generator.next();
  generator = count_to(7);
  CHECK(generator.next() == 1);
}

}  // namespace test_yielding
