// PEP 342: throw_() raises an exception where the generator is paused.
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_throwing {

using namespace asyncio;

using Log = std::vector<std::string>;

inline Generator<int, int, std::string> tolerant(Log* log) {
  for (int i = 1; i <= 3; ++i) {
    try {
      co_yield i;
    } catch (const std::domain_error& error) {
      log->push_back(error.what());
    }
  }
  co_return "end";
}

TEST_CASE("throwing: it comes out of the pending co_yield") {
  Log log;
  auto generator = tolerant(&log);
  generator.next();
  CHECK(generator.throw_(std::domain_error("first")) == 2);
  CHECK(generator.next() == 3);
  CHECK_FALSE(generator.throw_(std::domain_error("last")));
  CHECK(generator.result() == "end");
  CHECK(log == Log{"first", "last"});
}

TEST_CASE("throwing: what it does not catch comes back and ends it") {
  Log log;
  auto generator = tolerant(&log);
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.throw_(std::range_error("other")), "other", std::range_error
  );
  CHECK(generator.done());
  CHECK_FALSE(generator.next());
  CHECK_THROWS_AS(generator.result(), std::range_error);
}

TEST_CASE("throwing: before the start it is thrown at the opening brace") {
  Log log;
  auto generator = tolerant(&log);
  CHECK_THROWS_AS(
      generator.throw_(std::domain_error("early")), std::domain_error
  );
  CHECK(log.empty());
  CHECK(generator.done());
}

TEST_CASE("throwing: after the end it comes straight back") {
  Log log;
  auto generator = tolerant(&log);
  while (generator.next()) {
  }
  CHECK_THROWS_WITH_AS(
      generator.throw_(std::domain_error("late")), "late", std::domain_error
  );
  CHECK(generator.result() == "end");
}

TEST_CASE("throwing: anything can be thrown") {
  Log log;
  auto generator = tolerant(&log);
  generator.next();
  CHECK_THROWS_AS(generator.throw_(42), int);
}

TEST_CASE("throwing: an exception_ptr without an exception is refused") {
  Log log;
  auto generator = tolerant(&log);
  const std::exception_ptr nothing;
  CHECK_THROWS_AS(generator.throw_(nothing), std::invalid_argument);
  CHECK(generator.next() == 1);
  CHECK_THROWS_AS(generator.throw_(nothing), std::invalid_argument);
  CHECK(generator.next() == 2);
  CHECK(generator.next() == 3);
  CHECK_FALSE(generator.next());
  CHECK_THROWS_AS(generator.throw_(nothing), std::invalid_argument);
}

TEST_CASE("throwing: an exception_ptr is thrown, not wrapped") {
  Log log;
  auto generator = tolerant(&log);
  generator.next();
  std::exception_ptr error = std::make_exception_ptr(std::domain_error("x"));
  CHECK(generator.throw_(error) == 2);
  CHECK(log == Log{"x"});
}

inline Generator<int, int, std::string> relay(Log* log) {
  std::string result;
  try {
    result = co_await tolerant(log);
  } catch (const std::range_error& error) {
    log->push_back(std::string("relay ") + error.what());
    throw std::runtime_error("translated");
  }
  co_return result;
}

inline Generator<int, int, std::string> outermost(Log* log) {
  const std::string result = co_await relay(log);
  co_return result + "!";
}

TEST_CASE("throwing: into the innermost, and a result comes out") {
  Log log;
  auto generator = outermost(&log);
  generator.next();
  generator.next();
  generator.next();
  CHECK_FALSE(generator.throw_(std::domain_error("deep")));
  CHECK(generator.result() == "end!");
  CHECK(log == Log{"deep"});
}

TEST_CASE("throwing: each level on the way may catch and translate") {
  Log log;
  auto generator = outermost(&log);
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.throw_(std::range_error("deep")), "translated",
      std::runtime_error
  );
  CHECK(log == Log{"relay deep"});
}

inline Generator<int> fails_at_second() {
  co_yield 1;
  throw std::domain_error("eels");
}

TEST_CASE("throwing: an error of its own comes out of next once") {
  auto generator = fails_at_second();
  CHECK(generator.next() == 1);
  CHECK_THROWS_AS(generator.next(), std::domain_error);
  CHECK(generator.done());
  CHECK_FALSE(generator.next());
}

inline Generator<int> throws_what_it_got() {
  std::exception_ptr error;
  try {
    co_yield 1;
  } catch (...) {
    error = std::current_exception();
  }
  // No co_yield and no co_await in a handler: keep the error, go on below.
  co_yield 2;
  std::rethrow_exception(error);
}

TEST_CASE("throwing: an error can be kept over a yield") {
  auto generator = throws_what_it_got();
  generator.next();
  CHECK(generator.throw_(std::domain_error("eels")) == 2);
  CHECK_THROWS_WITH_AS(generator.next(), "eels", std::domain_error);
}

TEST_CASE("throwing: while the caller handles another error") {
  Log log;
  auto generator = tolerant(&log);
  generator.next();
  try {
    throw std::range_error("outside");
  } catch (const std::range_error&) {
    CHECK(generator.throw_(std::domain_error("inside")) == 2);
    try {
      throw;
    } catch (const std::range_error& error) {
      log.push_back(error.what());
    }
  }
  CHECK(log == Log{"inside", "outside"});
}

}  // namespace test_throwing
