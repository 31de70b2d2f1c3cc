// What must not be done is an error that says what is wrong.
#include <memory>
#include <stdexcept>
#include <utility>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_misuse {

using namespace asyncio;

using Ints = Generator<int, int, int>;

inline Ints one_two() {
  co_yield 1;
  co_yield 2;
  co_return 3;
}

TEST_CASE("misuse: sending a value before the start") {
  auto generator = one_two();
  CHECK_THROWS_WITH_AS(
      generator.send(5), "can't send a value to a just-started generator",
      std::logic_error
  );
  CHECK(generator.next() == 1);
  CHECK(generator.send(5) == 2);
}

TEST_CASE("misuse: a result before the end") {
  auto generator = one_two();
  CHECK_THROWS_WITH_AS(
      generator.result(), "generator has no result", std::logic_error
  );
  generator.next();
  CHECK_THROWS_AS(generator.result(), std::logic_error);
  CHECK(generator.next() == 2);
}

TEST_CASE("misuse: one that was moved from") {
  auto generator = one_two();
  auto moved = std::move(generator);
  CHECK_THROWS_WITH_AS(
      generator.next(), "generator was moved from", std::logic_error
  );
  CHECK_THROWS_AS(generator.send(1), std::logic_error);
  CHECK_THROWS_AS(generator.throw_(1), std::logic_error);
  CHECK_THROWS_AS(generator.close(), std::logic_error);
  CHECK_THROWS_AS(generator.result(), std::logic_error);
  CHECK_THROWS_AS(generator.done(), std::logic_error);
  CHECK_THROWS_AS(generator.where(), std::logic_error);
  CHECK(moved.next() == 1);
}

enum class Way { next, send, throw_, exit, close };

inline void use(Ints& generator, Way way) {
  switch (way) {
    case Way::next:
      generator.next();
      break;
    case Way::send:
      generator.send(1);
      break;
    case Way::throw_:
      generator.throw_(std::domain_error("eels"));
      break;
    case Way::exit:
      generator.throw_(GeneratorExit());
      break;
    case Way::close:
      generator.close();
      break;
  }
}

inline Ints uses_itself(Ints* self, Way way) {
  use(*self, way);
  co_return 0;
}

inline Ints over(Ints inner) { co_return co_await inner; }

inline Ints beside(Ints inner) {
  inner.next();
  co_return inner.result();
}

TEST_CASE("misuse: entering it while it runs") {
  for (const Way way :
       {Way::next, Way::send, Way::throw_, Way::exit, Way::close}) {
    CAPTURE(static_cast<int>(way));
    auto direct = one_two();
    direct = uses_itself(&direct, way);
    CHECK_THROWS_WITH_AS(
        direct.next(), "generator already executing", std::logic_error
    );
    CHECK(direct.done());
    // From a delegate.
    auto outer = one_two();
    outer = over(over(uses_itself(&outer, way)));
    CHECK_THROWS_WITH_AS(
        outer.next(), "generator already executing", std::logic_error
    );
    CHECK(outer.done());
    // From a generator that it drives.
    auto driver = one_two();
    driver = beside(uses_itself(&driver, way));
    CHECK_THROWS_WITH_AS(
        driver.next(), "generator already executing", std::logic_error
    );
    CHECK(driver.done());
  }
}

inline Ints awaits(Ints* other) { co_return co_await *other; }

TEST_CASE("misuse: awaiting itself") {
  auto generator = one_two();
  generator = awaits(&generator);
  CHECK_THROWS_WITH_AS(
      generator.next(), "generator already executing", std::logic_error
  );
  auto outer = one_two();
  outer = over(awaits(&outer));
  CHECK_THROWS_WITH_AS(
      outer.next(), "generator already executing", std::logic_error
  );
}

TEST_CASE("misuse: awaiting one that another awaits") {
  auto shared = one_two();
  auto first = awaits(&shared);
  auto second = awaits(&shared);
  CHECK(first.next() == 1);
  CHECK_THROWS_WITH_AS(
      second.next(), "generator already awaited", std::logic_error
  );
  // The first has not noticed.
  CHECK(first.next() == 2);
  CHECK_FALSE(first.next());
  CHECK(first.result() == 3);
}

TEST_CASE("misuse: awaiting one that is free again") {
  auto shared = one_two();
  {
    auto first = awaits(&shared);
    first.next();
    CHECK_THROWS_AS(first.throw_(std::domain_error("x")), std::domain_error);
  }
  auto second = awaits(&shared);
  CHECK_THROWS_AS(second.next(), std::domain_error);
}

TEST_CASE("misuse: awaiting one that was moved from") {
  auto generator = one_two();
  const auto moved = std::move(generator);
  auto outer = awaits(&generator);
  CHECK_THROWS_WITH_AS(
      outer.next(), "generator was moved from", std::logic_error
  );
}

TEST_CASE("misuse: yielding while it is closed") {
  const auto ignores = []() -> Ints {
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
    }
    co_yield 2;
    co_return 3;
  };
  auto generator = ignores();
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.close(), "generator ignored GeneratorExit", std::runtime_error
  );
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 3);
}

inline Ints catches_and_goes_on(Ints* self) {
  bool caught = false;
  try {
    co_await *self;
  } catch (const std::logic_error&) {
    caught = true;
  }
  co_yield caught ? 1 : 2;
  co_return 3;
}

TEST_CASE("misuse: such an error can be caught, and nothing is broken") {
  auto generator = one_two();
  generator = catches_and_goes_on(&generator);
  CHECK(generator.next() == 1);
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 3);
}

}  // namespace test_misuse
