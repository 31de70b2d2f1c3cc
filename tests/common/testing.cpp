#include "common/testing.hpp"

#include <stdexcept>
#include <string>
#include <vector>

#include <pthread.h>
#include <unistd.h>

#include "common/bench.hpp"

TEST_CASE("on_small_stack runs elsewhere and hands exceptions back") {
  const auto here = pthread_self();
  bool elsewhere = false;
  on_small_stack(256 * 1024, [&] {
    elsewhere = pthread_equal(here, pthread_self()) == 0;
  });
  CHECK(elsewhere);
  CHECK_THROWS_WITH_AS(
      on_small_stack(256 * 1024, [] { throw std::runtime_error{"lost"}; }),
      "lost",
      std::runtime_error
  );
}

TEST_CASE("open_descriptors counts") {
  const int before = open_descriptors();
  const int copy = dup(0);
  CHECK(open_descriptors() == before + (copy == -1 ? 0 : 1));
  close(copy);
  CHECK(open_descriptors() == before);
}

TEST_CASE("times_asleep counts") {
  const long before = times_asleep();
  usleep(1000);
  CHECK(times_asleep() > before);
}

TEST_CASE("the delays are the same everywhere") {
  std::uint32_t state = 1;
  CHECK(delay_us(&state) == 8065);
  CHECK(delay_us(&state) == 4333);
  CHECK(delay_us(&state) == 4777);
}

TEST_CASE("a failing check shows what was there") {
  CHECK(doctest::toString(std::vector<std::string>{"a", "b"}) == "[a, b]");
  CHECK(doctest::toString(std::vector<bool>{true}) == "[true]");
  CHECK(doctest::toString(std::vector<int>{}) == "[]");
  CHECK(doctest::toString(std::optional<int>(3)) == "3");
  CHECK(doctest::toString(std::optional<int>()) == "nothing");
}

// For test_watchdog.py.
TEST_CASE("waits for ever" * doctest::skip()) {
  while (true) {
    pause();
  }
}
