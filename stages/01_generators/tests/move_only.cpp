// Values that cannot be copied go in, out, and back.
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_move_only {

using namespace asyncio;

using Box = std::unique_ptr<int>;
using Boxes = Generator<Box, Box, Box>;

inline Boxes passes_on() {
  auto box = std::make_unique<int>(1);
  while (std::optional<Box> sent = co_yield std::move(box)) {
    box = std::move(*sent);
    ++*box;
  }
  co_return std::make_unique<int>(99);
}

inline void drive(Boxes boxes) {
  std::optional<Box> yielded = boxes.next();
  CHECK(**yielded == 1);
  int* const address = yielded->get();
  yielded = boxes.send(std::move(*yielded));
  CHECK(yielded->get() == address);
  CHECK(**yielded == 2);
  CHECK_FALSE(boxes.next());
  CHECK(*boxes.result() == 99);
  const Box taken = std::move(boxes.result());
  CHECK(*taken == 99);
}

TEST_CASE("move_only: yielded, sent and returned") { drive(passes_on()); }

inline Boxes delegates(int levels) {
  if (levels == 0) {
    Box box = co_await passes_on();
    co_return box;
  }
  co_return co_await delegates(levels - 1);
}

TEST_CASE("move_only: through a chain of delegations") {
  drive(delegates(0));
  drive(delegates(5));
}

inline Generator<Box> in_a_row(int n) {
  for (int i = 0; i < n; ++i) {
    auto box = std::make_unique<int>(i);
    co_yield std::move(box);
  }
}

TEST_CASE("move_only: out of range-for") {
  std::vector<Box> taken;
  for (Box& box : in_a_row(3)) {
    taken.push_back(std::move(box));
  }
  CHECK(taken.size() == 3);
  CHECK(*taken[2] == 2);
}

/// Neither default-constructible nor assignable from outside.
class Token {
 public:
  explicit Token(std::string name) : name_(std::move(name)) {}
  Token(Token&&) = default;
  Token& operator=(Token&&) = default;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

inline Generator<Token, Token, Token> tokens() {
  Token token("first");
  std::optional<Token> sent = co_yield std::move(token);
  co_return Token(sent.value().name() + " returned");
}

TEST_CASE("move_only: nothing needs a default constructor") {
  auto generator = tokens();
  CHECK(generator.next().value().name() == "first");
  CHECK_FALSE(generator.send(Token("second")));
  CHECK(generator.result().name() == "second returned");
}

inline Generator<int> takes(Box parameter) {
  co_yield *parameter;
  co_yield *parameter + 1;
}

TEST_CASE("move_only: as a parameter") {
  auto box = std::make_unique<int>(5);
  auto generator = takes(std::move(box));
  CHECK(generator.next() == 5);
  CHECK(generator.next() == 6);
}

TEST_CASE("move_only: what was yielded and not taken is dropped") {
  auto counted = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = counted;
  const auto gives = [](std::shared_ptr<int> what)
      -> Generator<std::shared_ptr<int>> { co_yield std::move(what); };
  auto generator = gives(std::move(counted));
  generator.next();
  CHECK(watch.expired());
}

}  // namespace test_move_only
