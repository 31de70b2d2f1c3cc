#include <cstddef>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_exception_group {

using namespace asyncio;

std::vector<std::exception_ptr> errors(int count) {
  return std::vector<std::exception_ptr>(
      static_cast<std::size_t>(count),
      std::make_exception_ptr(std::runtime_error("out of order")));
}

TEST_CASE("exception_group: what() counts as Python's str() does") {
  const std::string one = ExceptionGroup("eg", errors(1)).what();
  const std::string two = ExceptionGroup("eg", errors(2)).what();
  CHECK(one == "eg (1 sub-exception)");
  CHECK(two == "eg (2 sub-exceptions)");
}

TEST_CASE("exception_group: message and exceptions, in their order") {
  const auto first = std::make_exception_ptr(std::runtime_error("first"));
  const auto second = std::make_exception_ptr(CancelledError());
  const ExceptionGroup group("eg", {first, second});
  CHECK(group.message() == "eg");
  CHECK(group.exceptions() == std::vector{first, second});
}

TEST_CASE("exception_group: of nothing it is an error") {
  CHECK_THROWS_AS(ExceptionGroup("eg", {}), std::invalid_argument);
}

TEST_CASE("exception_group: is an ordinary exception, and can be in another") {
  const auto inner = std::make_exception_ptr(ExceptionGroup("in", errors(2)));
  const ExceptionGroup outer("out", {inner});
  try {
    std::rethrow_exception(outer.exceptions().front());
  } catch (const std::exception& error) {
    CHECK(std::string(error.what()) == "in (2 sub-exceptions)");
  }
}

TEST_CASE("exception_group: is_instance() knows the one from the rest") {
  const auto cancelled = std::make_exception_ptr(CancelledError());
  CHECK(is_instance<CancelledError>(cancelled));
  CHECK(!is_instance<CancelledError>(std::make_exception_ptr(42)));
  CHECK(!is_instance<CancelledError>(errors(1).front()));
  CHECK(!is_instance<CancelledError>(nullptr));
}

}  // namespace test_exception_group
