// PEP 342: close() throws GeneratorExit in and wants it to end.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_closing {

using namespace asyncio;

using Log = std::vector<std::string>;

struct Guard {
  Guard(Log* l, std::string t) : log(l), text(std::move(t)) {}
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() { log->push_back(text); }
  Log* log;
  std::string text;
};

inline Generator<int> chain(Log* log, int levels) {
  const Guard guard(log, "level " + std::to_string(levels));
  if (levels == 0) {
    co_yield 1;
    co_yield 2;
  } else {
    co_await chain(log, levels - 1);
  }
}

TEST_CASE("closing: unwinds the chain, innermost first") {
  Log log;
  auto generator = chain(&log, 3);
  generator.next();
  CHECK(log.empty());
  generator.close();
  CHECK(log == Log{"level 0", "level 1", "level 2", "level 3"});
  CHECK(generator.done());
  CHECK_FALSE(generator.next());
}

TEST_CASE("closing: again, or after the end, does nothing") {
  Log log;
  auto generator = chain(&log, 0);
  while (generator.next()) {
  }
  CHECK(log.size() == 1);
  generator.close();
  generator.close();
  CHECK(log.size() == 1);
}

TEST_CASE("closing: before the start runs nothing") {
  Log log;
  auto generator = chain(&log, 1);
  generator.close();
  CHECK(log.empty());
  CHECK(generator.done());
  CHECK_FALSE(generator.next());
}

inline Generator<int> catches_all(Log* log) {
  try {
    co_yield 1;
  } catch (const std::exception&) {
    log->push_back("std::exception");
  } catch (const GeneratorExit&) {
    log->push_back("GeneratorExit");
    throw;
  }
}

TEST_CASE("closing: GeneratorExit is no std::exception") {
  Log log;
  auto generator = catches_all(&log);
  generator.next();
  generator.close();
  CHECK(log == Log{"GeneratorExit"});
}

inline Generator<int> stubborn(int times) {
  for (int i = 0; i <= times; ++i) {
    try {
      co_yield i;
    } catch (const GeneratorExit&) {
    }
  }
}

TEST_CASE("closing: one that yields instead is an error, and still alive") {
  auto generator = stubborn(2);
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.close(), "generator ignored GeneratorExit", std::runtime_error
  );
  CHECK_FALSE(generator.done());
  CHECK(generator.next() == 2);
  generator.close();
  CHECK(generator.done());
}

inline Generator<int> over(Log* log, Generator<int>* delegate) {
  const Guard guard(log, "outer ends");
  try {
    co_await *delegate;
  } catch (const GeneratorExit&) {
    log->push_back("GeneratorExit");
    throw;
  } catch (const std::exception& error) {
    log->push_back(error.what());
    throw;
  }
}

TEST_CASE("closing: a delegate that yields is an error in its delegator") {
  Log log;
  auto delegate = stubborn(2);
  auto generator = over(&log, &delegate);
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.close(), "generator ignored GeneratorExit", std::runtime_error
  );
  CHECK(log == Log{"generator ignored GeneratorExit", "outer ends"});
  CHECK(generator.done());
  // The delegate is nobody's now, and can go on.
  CHECK(delegate.next() == 2);
}

inline Generator<int> delegates_at_exit(Log* log) {
  bool exit = false;
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    exit = true;
  }
  if (exit) {
    co_await chain(log, 1);
  }
}

TEST_CASE("closing: a delegate that delegates to one that yields") {
  Log log;
  auto delegate = delegates_at_exit(&log);
  auto generator = over(&log, &delegate);
  generator.next();
  CHECK_THROWS_AS(generator.close(), std::runtime_error);
  CHECK(delegate.next() == 2);
  CHECK_FALSE(delegate.next());
  CHECK(log == Log{
                   "generator ignored GeneratorExit",
                   "outer ends",
                   "level 0",
                   "level 1",
               });
}

inline Generator<int> fails_at_exit() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    throw std::domain_error("eels");
  }
}

TEST_CASE("closing: afterwards a delegate has what it ended with") {
  Log log;
  auto closed = chain(&log, 1);
  auto outer = over(&log, &closed);
  outer.next();
  outer.close();
  CHECK(closed.done());
  CHECK_THROWS_WITH_AS(
      closed.result(), "generator has no result", std::logic_error
  );
  auto failed = fails_at_exit();
  auto other = over(&log, &failed);
  other.next();
  CHECK_THROWS_AS(other.close(), std::domain_error);
  CHECK(failed.done());
  CHECK_THROWS_WITH_AS(failed.result(), "eels", std::domain_error);
}

inline Generator<int> cleans_up(Log* log) {
  bool exit = false;
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    exit = true;
  }
  if (exit) {
    for (int number : stubborn(1)) {
      log->push_back(std::to_string(number));
    }
  }
}

TEST_CASE("closing: it may drive others while it is closed") {
  Log log;
  auto delegate = cleans_up(&log);
  auto generator = over(&log, &delegate);
  generator.next();
  generator.close();
  CHECK(log == Log{"0", "1", "GeneratorExit", "outer ends"});
}

inline Generator<int> forgives(Generator<int>* delegate) {
  try {
    co_await *delegate;
  } catch (const std::domain_error&) {
  }
}

TEST_CASE("closing: an error comes out, unless a delegator catches it") {
  Log log;
  auto failing = fails_at_exit();
  auto generator = over(&log, &failing);
  generator.next();
  CHECK_THROWS_WITH_AS(generator.close(), "eels", std::domain_error);
  CHECK(log == Log{"eels", "outer ends"});
  auto other = fails_at_exit();
  auto forgiving = forgives(&other);
  forgiving.next();
  forgiving.close();
  CHECK(forgiving.done());
}

TEST_CASE("closing: one that is awaited") {
  Log log;
  auto delegate = chain(&log, 1);
  auto generator = over(&log, &delegate);
  generator.next();
  delegate.close();
  CHECK(log == Log{"level 0", "level 1"});
  CHECK_FALSE(generator.done());
  // There is no result to give, and no None to give instead.
  CHECK_THROWS_WITH_AS(
      generator.next(), "generator has no result", std::logic_error
  );
}

TEST_CASE("closing: the middle of a chain") {
  Log log;
  auto innermost = chain(&log, 2);
  auto middle = over(&log, &innermost);
  auto generator = forgives(&middle);
  generator.next();
  middle.close();
  CHECK(log == Log{
                   "level 0",
                   "level 1",
                   "level 2",
                   "GeneratorExit",
                   "outer ends",
               });
  CHECK_FALSE(generator.done());
  generator.close();
  CHECK(generator.done());
}

}  // namespace test_closing
