// PEP 342: values go in as well.
#include <stdexcept>
#include <string>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_sending {

using namespace asyncio;

inline Generator<int, int> doubles() {
  int value = 0;
  while (true) {
    const std::optional<int> sent = co_yield value;
    value = sent ? *sent * 2 : -1;
  }
}

TEST_CASE("sending: co_yield gives what was sent in") {
  auto generator = doubles();
  CHECK(generator.next() == 0);
  CHECK(generator.send(4) == 8);
  CHECK(generator.send(-1) == -2);
}

TEST_CASE("sending: next sends nothing") {
  auto generator = doubles();
  generator.next();
  CHECK(generator.next() == -1);
  CHECK(generator.send(1) == 2);
  CHECK(generator.next() == -1);
}

inline Generator<void, std::string> collects(std::string* text) {
  while (const std::optional<std::string> sent = co_yield None) {
    *text += *sent;
  }
}

TEST_CASE("sending: a value sent in belongs to the generator") {
  std::string text;
  auto generator = collects(&text);
  generator.next();
  {
    std::string word = "a word that does not fit into the object itself";
    CHECK(generator.send(word));
    CHECK(generator.send(" and"));
  }
  CHECK_FALSE(generator.next());
  CHECK(text == "a word that does not fit into the object itself and");
}

TEST_CASE("sending: after the end a value goes nowhere") {
  std::string text;
  auto generator = collects(&text);
  generator.next();
  generator.next();
  CHECK(generator.done());
  CHECK_FALSE(generator.send("lost"));
  CHECK(text.empty());
}

inline Generator<int, int> two_in_a_sum() {
  const std::optional<int> left = co_yield 1;
  const std::optional<int> right = co_yield 2;
  co_yield left.value() * 10 + right.value();
}

TEST_CASE("sending: each value reaches the yield that was pending") {
  auto generator = two_in_a_sum();
  CHECK(generator.next() == 1);
  CHECK(generator.send(3) == 2);
  CHECK(generator.send(4) == 34);
}

inline Generator<int, int> inner() {
  const std::optional<int> sent = co_yield 1;
  co_yield sent.value_or(-1);
}

inline Generator<int, int> outer(Generator<int, int>* started) {
  const std::optional<int> sent = co_yield 0;
  co_yield sent.value_or(-1);
  co_await *started;
}

TEST_CASE("sending: starting a delegation sends nothing") {
  auto delegate = inner();
  CHECK(delegate.next() == 1);
  auto generator = outer(&delegate);
  CHECK(generator.next() == 0);
  CHECK(generator.send(5) == 5);
  // This one ends the second yield; the delegate gets nothing of it.
  CHECK(generator.send(6) == -1);
}

}  // namespace test_sending
