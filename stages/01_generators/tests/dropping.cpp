// Destroying a generator closes it, wherever it is paused.
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_dropping {

using namespace asyncio;

using Log = std::vector<std::string>;

struct Guard {
  Guard(Log* l, std::string t) : log(l), text(std::move(t)) {}
  Guard(Guard&& other) noexcept
      : log(std::exchange(other.log, nullptr)), text(std::move(other.text)) {}
  Guard& operator=(Guard&&) = delete;
  ~Guard() {
    if (log) {
      log->push_back(text);
    }
  }
  Log* log;
  std::string text;
};

inline Generator<int> chain(Log* log, int levels) {
  const Guard guard(log, "level " + std::to_string(levels));
  if (levels == 0) {
    co_yield 1;
  } else {
    co_await chain(log, levels - 1);
  }
}

TEST_CASE("dropping: unwinds the chain, innermost first") {
  Log log;
  {
    auto generator = chain(&log, 3);
    generator.next();
  }
  CHECK(log == Log{"level 0", "level 1", "level 2", "level 3"});
}

inline Generator<int> with_parameter(
    [[maybe_unused]] Guard parameter,
    Log* log
) {
  const Guard variable(log, "variable");
  co_yield 1;
}

TEST_CASE("dropping: before the start, only the parameters die") {
  Log log;
  {
    auto generator = with_parameter(Guard(&log, "parameter"), &log);
  }
  CHECK(log == Log{"parameter"});
}

TEST_CASE("dropping: variables die at the end, parameters with the object") {
  Log log;
  {
    auto generator = with_parameter(Guard(&log, "parameter"), &log);
    while (generator.next()) {
    }
    CHECK(log == Log{"variable"});
  }
  CHECK(log == Log{"variable", "parameter"});
}

inline Generator<int> catches(Log* log) {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    log->push_back("GeneratorExit");
  }
}

TEST_CASE("dropping: the generator sees GeneratorExit") {
  Log log;
  {
    auto generator = catches(&log);
    generator.next();
  }
  CHECK(log == Log{"GeneratorExit"});
}

TEST_CASE("dropping: a moved-from one does nothing") {
  Log log;
  std::optional<Generator<int>> kept;
  {
    auto generator = catches(&log);
    generator.next();
    kept.emplace(std::move(generator));
  }
  CHECK(log.empty());
  kept.reset();
  CHECK(log == Log{"GeneratorExit"});
}

TEST_CASE("dropping: assigning drops the old one") {
  Log log;
  auto generator = chain(&log, 0);
  generator.next();
  generator = chain(&log, 1);
  CHECK(log == Log{"level 0"});
}

inline Generator<int> holds(std::vector<Generator<int>> others) {
  for (auto& other : others) {
    other.next();
  }
  co_yield 1;
}

TEST_CASE("dropping: one that holds others drops them") {
  Log log;
  std::vector<Generator<int>> others;
  others.push_back(chain(&log, 0));
  others.push_back(chain(&log, 1));
  {
    auto generator = holds(std::move(others));
    generator.next();
    CHECK(log.empty());
  }
  CHECK(log == Log{"level 0", "level 0", "level 1"});
}

TEST_CASE("dropping: while another error is on its way") {
  Log log;
  const auto run = [&log] {
    auto generator = chain(&log, 1);
    generator.next();
    throw std::domain_error("eels");
  };
  CHECK_THROWS_WITH_AS(run(), "eels", std::domain_error);
  CHECK(log == Log{"level 0", "level 1"});
}

TEST_CASE("dropping: by the error that ends range-for") {
  Log log;
  const auto run = [&log] {
    for (int number : chain(&log, 1)) {
      throw std::domain_error(std::to_string(number));
    }
  };
  CHECK_THROWS_WITH_AS(run(), "1", std::domain_error);
  CHECK(log == Log{"level 0", "level 1"});
}

/// Takes what goes to stderr until it is destroyed.
class StderrTo {
 public:
  explicit StderrTo(const TemporaryFile& file) : old_(dup(STDERR_FILENO)) {
    std::fflush(stderr);
    const int to = open(file.path().c_str(), O_WRONLY | O_TRUNC);
    dup2(to, STDERR_FILENO);
    ::close(to);
  }
  StderrTo(const StderrTo&) = delete;
  StderrTo& operator=(const StderrTo&) = delete;
  ~StderrTo() {
    std::fflush(stderr);
    dup2(old_, STDERR_FILENO);
    ::close(old_);
  }

 private:
  int old_;
};

inline std::string said_when_dropped(Generator<int> dropped) {
  const TemporaryFile file;
  {
    const StderrTo redirected(file);
    dropped.next();
    const Generator<int> here = std::move(dropped);
  }
  return file.read();
}

inline Generator<int> stubborn(Log* log) {
  const Guard guard(log, "guard");
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
  }
  co_yield 2;
  log->push_back("never");
}

TEST_CASE("dropping: one that ignores it is said, and gone all the same") {
  Log log;
  CHECK(said_when_dropped(stubborn(&log)) ==
        "stubborn: exception ignored while it was closed: "
        "generator ignored GeneratorExit\n");
  CHECK(log == Log{"guard"});
}

inline Generator<int> fails_at_exit(bool with_message) {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    if (with_message) {
      throw std::domain_error("eels");
    }
    throw 42;
  }
}

TEST_CASE("dropping: an error meanwhile is said") {
  CHECK(said_when_dropped(fails_at_exit(true)) ==
        "fails_at_exit: exception ignored while it was closed: eels\n");
  CHECK(said_when_dropped(fails_at_exit(false)) ==
        "fails_at_exit: exception ignored while it was closed\n");
}

inline Generator<int> awaits_at_exit(Log* log) {
  bool exit = false;
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    exit = true;
  }
  if (exit) {
    co_await chain(log, 2);
  }
}

TEST_CASE("dropping: one that begins to delegate then") {
  Log log;
  CHECK(said_when_dropped(awaits_at_exit(&log)) ==
        "awaits_at_exit: exception ignored while it was closed: "
        "generator ignored GeneratorExit\n");
  CHECK(log == Log{"level 0", "level 1", "level 2"});
}

inline Generator<int> over(Generator<int>* delegate, Log* log) {
  try {
    co_await *delegate;
  } catch (const std::exception& error) {
    log->push_back(error.what());
  }
  co_yield 9;
}

TEST_CASE("dropping: the delegate, and its delegator hears of it") {
  Log log;
  auto delegate = std::make_unique<Generator<int>>(chain(&log, 1));
  auto generator = over(delegate.get(), &log);
  CHECK(generator.next() == 1);
  delegate.reset();
  CHECK(log == Log{"level 0", "level 1"});
  CHECK(generator.next() == 9);
  CHECK(log.back() == "awaited generator was destroyed");
}

TEST_CASE("dropping: the delegator ends the delegate, which stays an object") {
  Log log;
  auto delegate = chain(&log, 1);
  {
    auto generator = over(&delegate, &log);
    generator.next();
    // Catches no GeneratorExit.
  }
  CHECK(log == Log{"level 0", "level 1"});
  CHECK(delegate.done());
}

/// Says when it dies.
class Note {
 public:
  Note(std::vector<std::string>* log, const char* name)
      : log_(log), name_(name) {}
  Note(Note&& other) noexcept
      : log_(std::exchange(other.log_, nullptr)), name_(other.name_) {}
  ~Note() {
    if (log_) {
      log_->push_back(name_);
    }
  }

 private:
  std::vector<std::string>* log_;
  const char* name_;
};

inline Generator<int> keeps(Note) { co_yield 1; }

inline Generator<int> keeps_all(Note, Generator<int> generator, Note) {
  co_await generator;
}

TEST_CASE("dropping: a generator that is a parameter dies in its turn") {
  std::vector<std::string> log;
  {
    auto inner = keeps(Note(&log, "inner"));
    auto outer =
        keeps_all(Note(&log, "a"), std::move(inner), Note(&log, "b"));
    outer.next();
  }
  // Compilers begin at either end.
  REQUIRE(log.size() == 3);
  CHECK(log[1] == "inner");
}

}  // namespace test_dropping
