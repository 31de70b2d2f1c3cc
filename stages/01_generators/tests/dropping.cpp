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

inline Generator<int> over_numbers(int n) {
  for (int i = 0; i < n; ++i) {
    co_yield i;
  }
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

TEST_CASE("dropping: a delegate that ignores its exit is gone all the same") {
  Log log;
  auto delegate = std::make_unique<Generator<int>>(stubborn(&log));
  auto generator = over(delegate.get(), &log);
  CHECK(generator.next() == 1);
  {
    const TemporaryFile file;
    const StderrTo redirected(file);
    delegate.reset();
  }
  CHECK(log == Log{"guard"});
  CHECK(generator.next() == 9);
  CHECK(log == Log{"guard", "awaited generator was destroyed"});
  CHECK_FALSE(generator.next());
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

/// Catches GeneratorExit, and delegates then.
inline Generator<int> delegates_at_exit(Generator<int>* delegate) {
  bool exit = false;
  try {
    co_yield 0;
  } catch (const GeneratorExit&) {
    exit = true;
  }
  if (exit) {
    co_await *delegate;
  }
}

TEST_CASE("dropping: the one that it delegates to then goes on without it") {
  auto delegate = over_numbers(3);
  said_when_dropped(delegates_at_exit(&delegate));
  // It gave its first number to the one that was closed.
  CHECK(delegate.next() == 1);
  CHECK(delegate.next() == 2);
  CHECK_FALSE(delegate.next());
}

TEST_CASE("dropping: a delegate that others have driven to its end") {
  Log log;
  auto delegate = std::make_unique<Generator<int>>(over_numbers(1));
  auto generator = over(delegate.get(), &log);
  generator.next();
  CHECK_FALSE(delegate->next());
  delegate.reset();
  CHECK(generator.next() == 9);
  CHECK(log == Log{"awaited generator was destroyed"});
}

TEST_CASE("dropping: the delegator of one that others have driven to its end") {
  Log log;
  auto delegate = over_numbers(1);
  {
    auto generator = over(&delegate, &log);
    generator.next();
    CHECK_FALSE(delegate.next());
  }
  CHECK(delegate.done());
  CHECK(log.empty());
}

/// Drops what `slot` holds, at its own end.
struct Drops {
  explicit Drops(std::unique_ptr<Generator<int>>* s) : slot(s) {}
  Drops(const Drops&) = delete;
  Drops& operator=(const Drops&) = delete;
  ~Drops() { slot->reset(); }
  std::unique_ptr<Generator<int>>* slot;
};

inline Generator<int> drops_at_exit(std::unique_ptr<Generator<int>>* slot) {
  const Drops drops(slot);
  co_yield 1;
}

inline Generator<int> around(Generator<int> inner, Log* log) {
  const Guard guard(log, "outer");
  co_await inner;
}

TEST_CASE("dropping: by its delegate, while GeneratorExit is thrown in") {
  Log log;
  std::unique_ptr<Generator<int>> slot;
  slot = std::make_unique<Generator<int>>(around(drops_at_exit(&slot), &log));
  slot->next();
  CHECK_THROWS_AS(slot->throw_(GeneratorExit()), GeneratorExit);
  CHECK(slot == nullptr);
  CHECK(log == Log{"outer"});
}

/// Drops itself, and counts its yields after that.
inline Generator<int> drops_itself(
    std::unique_ptr<Generator<int>>* self,
    [[maybe_unused]] Guard parameter,
    Log* log
) {
  const Guard guard(log, "variable");
  self->reset();
  log->push_back("goes on");
  co_yield 1;
  log->push_back("never");
}

TEST_CASE("dropping: by itself, it goes once it has stopped running") {
  Log log;
  std::unique_ptr<Generator<int>> self;
  self = std::make_unique<Generator<int>>(
      drops_itself(&self, Guard(&log, "parameter"), &log));
  CHECK(self->next() == 1);
  CHECK(log == Log{"goes on", "variable", "parameter"});
}

TEST_CASE("dropping: a delegate by itself: the one that awaits it keeps it") {
  Log log;
  std::unique_ptr<Generator<int>> self;
  self = std::make_unique<Generator<int>>(
      drops_itself(&self, Guard(&log, "parameter"), &log));
  auto generator = over(self.get(), &log);
  CHECK(generator.next() == 1);
  CHECK(log == Log{"goes on"});
  SUBCASE("until it ends") {
    CHECK(generator.next() == 9);
    CHECK(log == Log{"goes on", "never", "variable", "parameter"});
  }
  SUBCASE("until that is closed") {
    generator.close();
    CHECK(log == Log{"goes on", "variable", "parameter"});
  }
}

inline Generator<int> ends_and_drops_itself(
    std::unique_ptr<Generator<int>>* self,
    Log* log
) {
  const Guard guard(log, "variable");
  self->reset();
  co_return;
}

TEST_CASE("dropping: by itself in its last step") {
  Log log;
  std::unique_ptr<Generator<int>> self;
  self = std::make_unique<Generator<int>>(ends_and_drops_itself(&self, &log));
  SUBCASE("on its own") {
    CHECK_FALSE(self->next());
  }
  SUBCASE("as a delegate") {
    auto generator = over(self.get(), &log);
    CHECK(generator.next() == 9);
  }
  CHECK(log == Log{"variable"});
}

/// As it dies, lets a generator that it has just begun die before an object
/// that this refers to.
class Nested {
 public:
  explicit Nested(int* died) : died_(died) {}
  Nested(Nested&& other) noexcept
      : died_(std::exchange(other.died_, nullptr)) {}
  ~Nested() {
    if (!died_) {
      return;
    }
    Log log;
    {
      auto generator = with_parameter(Guard(&log, "parameter"), &log);
      generator.next();
    }
    *died_ += log == Log{"variable", "parameter"};
  }

 private:
  int* died_;
};

inline Generator<int> holds_nested(Nested) { co_yield 1; }

inline Generator<int> wrap(Generator<int>) { co_yield 1; }

TEST_CASE("dropping: in order at whatever depth it happens") {
  int in_order = 0;
  for (int depth = 1; depth <= 300; ++depth) {
    auto generator = holds_nested(Nested(&in_order));
    for (int i = 1; i < depth; ++i) {
      generator = wrap(std::move(generator));
    }
  }
  CHECK(in_order == 300);
}

}  // namespace test_dropping
