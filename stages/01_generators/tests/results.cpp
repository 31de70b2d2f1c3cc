// PEP 380: what a generator returns.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_results {

using namespace asyncio;

using Text = Generator<int, void, std::string>;

inline Text text(std::string value) {
  co_yield 1;
  co_return value;
}

TEST_CASE("results: there once it has ended, as often as one likes") {
  auto generator = text("hello");
  generator.next();
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == "hello");
  CHECK(generator.result() == "hello");
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == "hello");
}

TEST_CASE("results: none before the end") {
  auto generator = text("hello");
  CHECK_THROWS_AS(generator.result(), std::logic_error);
  generator.next();
  CHECK_THROWS_AS(generator.result(), std::logic_error);
}

inline Text fails() {
  co_yield 1;
  throw std::domain_error("eels");
}

TEST_CASE("results: of one that failed is the error, again and again") {
  auto generator = fails();
  generator.next();
  CHECK_THROWS_AS(generator.next(), std::domain_error);
  CHECK_THROWS_AS(generator.result(), std::domain_error);
  CHECK_THROWS_AS(generator.result(), std::domain_error);
  CHECK_FALSE(generator.next());
}

TEST_CASE("results: none of one that was closed") {
  auto generator = text("hello");
  generator.next();
  generator.close();
  CHECK_THROWS_WITH_AS(
      generator.result(), "generator has no result", std::logic_error
  );
}

inline Text returns_at_exit() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
  }
  co_return "closed";
}

TEST_CASE("results: one may return while it is closed") {
  auto generator = returns_at_exit();
  generator.next();
  generator.close();
  CHECK(generator.result() == "closed");
}

TEST_CASE("results: can be moved out") {
  auto generator = text("a text that does not fit into the object itself");
  generator.next();
  generator.next();
  const std::string moved = std::move(generator.result());
  CHECK(moved == "a text that does not fit into the object itself");
}

inline Generator<int> takes_twice(
    Text generator,
    std::vector<std::string>* to
) {
  to->push_back(co_await generator);
  to->push_back(co_await generator);
}

TEST_CASE("results: co_await takes it, once") {
  std::vector<std::string> taken;
  auto generator = takes_twice(text("hello"), &taken);
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.next(), "generator has no result", std::logic_error
  );
  CHECK(taken == std::vector<std::string>{"hello"});
}

struct NoDefault {
  NoDefault(int n, std::string t) : number(n), text(std::move(t)) {}
  int number;
  std::string text;
};

inline Generator<int, void, NoDefault> returns_braces() {
  co_return {7, "seven"};
}

inline Generator<int, void, std::vector<int>> returns_list() {
  co_return {1, 2, 3};
}

TEST_CASE("results: co_return converts as return does") {
  auto generator = returns_braces();
  generator.next();
  CHECK(generator.result().number == 7);
  CHECK(generator.result().text == "seven");
  auto list = returns_list();
  list.next();
  CHECK(list.result() == std::vector<int>{1, 2, 3});
}

}  // namespace test_results
