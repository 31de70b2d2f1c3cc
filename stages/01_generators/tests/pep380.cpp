// PEP 380's semantics and the cases of CPython's test_yield_from, in the same
// order of events. What C++ makes impossible is in the book's appendix.
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_pep380 {

using namespace asyncio;

using Log = std::vector<std::string>;
using Gen = Generator<std::string, int>;

/// What stands in a finally.
struct Finally {
  Finally(Log* l, const char* t) : log(l), text(t) {}
  Finally(const Finally&) = delete;
  Finally& operator=(const Finally&) = delete;
  ~Finally() { log->push_back(text); }
  Log* log;
  const char* text;
};

inline std::string shown(const std::optional<int>& value) {
  return value ? std::to_string(*value) : "None";
}

template <class G>
void drain(Log* log, G generator) {
  for (const std::string& value : generator) {
    log->push_back("got " + value);
  }
}

// --- next

inline Gen short_inner(Log* log) {
  log->push_back("inner starts");
  co_yield "one";
  log->push_back("inner ends");
}

inline Gen short_outer(Log* log) {
  log->push_back("outer starts");
  co_await short_inner(log);
  log->push_back("outer ends");
}

TEST_CASE("pep380: the first next starts the delegate") {
  Log log;
  drain(&log, short_outer(&log));
  CHECK(log == Log{
                   "outer starts",
                   "inner starts",
                   "got one",
                   "inner ends",
                   "outer ends",
               });
}

inline Gen failing_at_once(Log* log) {
  const Finally finally(log, "inner finally");
  log->push_back("inner starts");
  throw std::domain_error("eels");
  co_return;
}

inline Gen over_failing_at_once(Log* log) {
  const Finally finally(log, "outer finally");
  log->push_back("outer starts");
  co_await failing_at_once(log);
}

TEST_CASE("pep380: an error in the first next passes through") {
  Log log;
  CHECK_THROWS_WITH_AS(
      drain(&log, over_failing_at_once(&log)), "eels", std::domain_error
  );
  CHECK(log == Log{
                   "outer starts",
                   "inner starts",
                   "inner finally",
                   "outer finally",
               });
}

inline Gen two(Log* log) {
  const Finally finally(log, "inner finally");
  log->push_back("inner starts");
  co_yield "inner 1";
  co_yield "inner 2";
  log->push_back("inner ends");
}

inline Gen around_two(Log* log) {
  const Finally finally(log, "outer finally");
  log->push_back("outer starts");
  co_yield "outer 1";
  co_await two(log);
  co_yield "outer 2";
  log->push_back("outer ends");
}

TEST_CASE("pep380: next goes to the delegate until it ends") {
  Log log;
  drain(&log, around_two(&log));
  CHECK(log == Log{
                   "outer starts",
                   "got outer 1",
                   "inner starts",
                   "got inner 1",
                   "got inner 2",
                   "inner ends",
                   "inner finally",
                   "got outer 2",
                   "outer ends",
                   "outer finally",
               });
}

inline Gen failing_later(Log* log) {
  const Finally finally(log, "inner finally");
  log->push_back("inner starts");
  co_yield "inner 1";
  throw std::domain_error("eels");
}

inline Gen over_failing_later(Log* log) {
  const Finally finally(log, "outer finally");
  log->push_back("outer starts");
  co_yield "outer 1";
  co_await failing_later(log);
  co_yield "outer 2";
}

TEST_CASE("pep380: an error in a later next passes through") {
  Log log;
  CHECK_THROWS_WITH_AS(
      drain(&log, over_failing_later(&log)), "eels", std::domain_error
  );
  CHECK(log == Log{
                   "outer starts",
                   "got outer 1",
                   "inner starts",
                   "got inner 1",
                   "inner finally",
                   "outer finally",
               });
}

inline Gen nothing() { co_return; }

inline Gen over_nothing() { co_await nothing(); }

TEST_CASE("pep380: an empty delegate yields nothing") {
  auto generator = over_nothing();
  CHECK_FALSE(generator.next());
  CHECK(generator.done());
}

// --- send

inline Gen listener(Log* log) {
  log->push_back("inner starts");
  std::optional<int> sent = co_yield "inner 1";
  log->push_back("inner has " + shown(sent));
  sent = co_yield "inner 2";
  log->push_back("inner has " + shown(sent));
}

inline Gen over_listener(Log* log) {
  log->push_back("outer starts");
  std::optional<int> sent = co_yield "outer 1";
  log->push_back("outer has " + shown(sent));
  co_await listener(log);
  sent = co_yield "outer 2";
  log->push_back("outer has " + shown(sent));
}

template <class G>
void send_numbers(Log* log, G generator) {
  std::optional<std::string> yielded = generator.next();
  for (int number = 1; yielded; ++number) {
    log->push_back("got " + *yielded);
    yielded = generator.send(number);
  }
}

TEST_CASE("pep380: what is sent goes to the delegate") {
  Log log;
  send_numbers(&log, over_listener(&log));
  CHECK(log == Log{
                   "outer starts",
                   "got outer 1",
                   "outer has 1",
                   "inner starts",
                   "got inner 1",
                   "inner has 2",
                   "got inner 2",
                   "inner has 3",
                   "got outer 2",
                   "outer has 4",
               });
}

inline Gen failing_listener(Log* log) {
  log->push_back("inner starts");
  const std::optional<int> sent = co_yield "inner 1";
  log->push_back("inner has " + shown(sent));
  throw std::domain_error("eels");
}

inline Gen over_failing_listener(Log* log) {
  const std::optional<int> sent = co_yield "outer 1";
  log->push_back("outer has " + shown(sent));
  co_await failing_listener(log);
  log->push_back("outer ends");
}

TEST_CASE("pep380: an error after a send passes through") {
  Log log;
  CHECK_THROWS_WITH_AS(
      send_numbers(&log, over_failing_listener(&log)), "eels",
      std::domain_error
  );
  CHECK(log == Log{
                   "got outer 1",
                   "outer has 1",
                   "inner starts",
                   "got inner 1",
                   "inner has 2",
               });
}

TEST_CASE("pep380: next sends None to the delegate") {
  Log log;
  drain(&log, over_listener(&log));
  CHECK(log == Log{
                   "outer starts",
                   "got outer 1",
                   "outer has None",
                   "inner starts",
                   "got inner 1",
                   "inner has None",
                   "got inner 2",
                   "inner has None",
                   "got outer 2",
                   "outer has None",
               });
}

using Pair = std::tuple<int, int>;

inline Generator<int, Pair> pair_listener(Pair* received) {
  const std::optional<Pair> sent = co_yield 1;
  *received = sent.value();
}

inline Generator<int, Pair> over_pair_listener(Pair* received) {
  co_await pair_listener(received);
}

TEST_CASE("pep380: a tuple is sent whole") {
  Pair received;
  auto generator = over_pair_listener(&received);
  CHECK(generator.next() == 1);
  CHECK_FALSE(generator.send(Pair(3, 4)));
  CHECK(received == Pair(3, 4));
}

// --- close

TEST_CASE("pep380: close goes to the delegate first") {
  Log log;
  auto generator = around_two(&log);
  generator.next();
  generator.next();
  generator.close();
  CHECK(log == Log{
                   "outer starts",
                   "inner starts",
                   "inner finally",
                   "outer finally",
               });
  CHECK(generator.done());
}

inline Gen bad_loser(Log* log) {
  bool exit = false;
  try {
    co_yield "inner 1";
  } catch (const GeneratorExit&) {
    log->push_back("inner GeneratorExit");
    exit = true;
  }
  if (exit) {
    throw std::domain_error("eels");
  }
}

inline Gen over_bad_loser(Log* log) {
  try {
    co_await bad_loser(log);
  } catch (const std::domain_error&) {
    log->push_back("outer error");
    throw;
  }
}

TEST_CASE("pep380: an error of the delegate's close reaches the delegator") {
  Log log;
  auto generator = over_bad_loser(&log);
  generator.next();
  CHECK_THROWS_WITH_AS(generator.close(), "eels", std::domain_error);
  CHECK(log == Log{"inner GeneratorExit", "outer error"});
}

// --- throw

TEST_CASE("pep380: throw goes to the delegate") {
  Log log;
  auto generator = around_two(&log);
  generator.next();
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.throw_(std::domain_error("eels")), "eels", std::domain_error
  );
  CHECK(log == Log{
                   "outer starts",
                   "inner starts",
                   "inner finally",
                   "outer finally",
               });
}

inline Gen saved(Log* log) {
  bool caught = false;
  try {
    co_yield "inner 1";
  } catch (const std::domain_error&) {
    log->push_back("inner caught");
    caught = true;
  }
  if (caught) {
    co_yield "inner 2";
    co_yield "inner 3";
  }
}

inline Gen over_saved(Log* log) {
  const Finally finally(log, "outer finally");
  co_yield "outer 1";
  co_await saved(log);
  co_yield "outer 2";
}

TEST_CASE("pep380: a delegate that catches goes on yielding") {
  Log log;
  auto generator = over_saved(&log);
  generator.next();
  generator.next();
  log.push_back("got " + generator.throw_(std::domain_error("eels")).value());
  drain(&log, std::move(generator));
  CHECK(log == Log{
                   "inner caught",
                   "got inner 2",
                   "got inner 3",
                   "got outer 2",
                   "outer finally",
               });
}

inline Generator<int, void, int> returns_when_thrown(Log* log) {
  try {
    co_yield 1;
  } catch (const std::domain_error&) {
    log->push_back("inner caught");
  }
  co_return 2;
}

inline Generator<int> yields_result(Log* log) {
  const int result = co_await returns_when_thrown(log);
  log->push_back("inner returned " + std::to_string(result));
  co_yield result;
}

TEST_CASE("pep380: a delegate that catches and returns") {
  Log log;
  auto generator = yields_result(&log);
  CHECK(generator.next() == 1);
  CHECK(generator.throw_(std::domain_error("eels")) == 2);
  CHECK(log == Log{"inner caught", "inner returned 2"});
}

// --- throwing GeneratorExit is closing the delegate

inline Gen exit_returns(Log* log) {
  try {
    log->push_back("inner starts");
    co_yield "inner 1";
  } catch (const GeneratorExit&) {
    log->push_back("inner GeneratorExit");
  }
}

inline Gen exit_yields(Log* log) {
  try {
    log->push_back("inner starts");
    co_yield "inner 1";
  } catch (const GeneratorExit&) {
    log->push_back("inner GeneratorExit");
  }
  co_yield "inner 2";
}

inline Gen exit_throws(Log* log) {
  try {
    log->push_back("inner starts");
    co_yield "inner 1";
  } catch (const GeneratorExit&) {
    log->push_back("inner GeneratorExit");
    throw std::domain_error("eels");
  }
}

template <class Inner>
Gen over(Log* log, Inner inner) {
  const Finally finally(log, "outer finally");
  log->push_back("outer starts");
  co_await inner(log);
  log->push_back("outer goes on");
}

TEST_CASE("pep380: GeneratorExit into a delegate that returns") {
  Log log;
  auto generator = over(&log, exit_returns);
  generator.next();
  CHECK_THROWS_AS(generator.throw_(GeneratorExit()), GeneratorExit);
  CHECK(log == Log{
                   "outer starts",
                   "inner starts",
                   "inner GeneratorExit",
                   "outer finally",
               });
}

TEST_CASE("pep380: GeneratorExit into a delegate that yields") {
  Log log;
  auto generator = over(&log, exit_yields);
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.throw_(GeneratorExit()), "generator ignored GeneratorExit",
      std::runtime_error
  );
  CHECK(log == Log{
                   "outer starts",
                   "inner starts",
                   "inner GeneratorExit",
                   "outer finally",
               });
}

TEST_CASE("pep380: GeneratorExit into a delegate that throws") {
  Log log;
  auto generator = over(&log, exit_throws);
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.throw_(GeneratorExit()), "eels", std::domain_error
  );
  CHECK(log == Log{
                   "outer starts",
                   "inner starts",
                   "inner GeneratorExit",
                   "outer finally",
               });
}

// --- results

inline Generator<std::string, int, std::optional<int>> returning(
    Log* log,
    std::optional<int> value = std::nullopt
) {
  log->push_back("inner starts");
  co_yield "inner 1";
  log->push_back("inner ends");
  co_return value;
}

inline Gen over_returning(Log* log) {
  std::optional<int> result = co_await returning(log);
  log->push_back("result " + shown(result));
  result = co_await returning(log, 42);
  log->push_back("result " + shown(result));
  co_yield "outer 1";
}

TEST_CASE("pep380: the delegation gives what the delegate returned") {
  Log log;
  drain(&log, over_returning(&log));
  CHECK(log == Log{
                   "inner starts",
                   "got inner 1",
                   "inner ends",
                   "result None",
                   "inner starts",
                   "got inner 1",
                   "inner ends",
                   "result 42",
                   "got outer 1",
               });
}

inline Gen ignores_result(Log* log) { co_await returning(log, 42); }

TEST_CASE("pep380: nobody has to take the result") {
  Log log;
  drain(&log, ignores_result(&log));
  CHECK(log == Log{"inner starts", "got inner 1", "inner ends"});
}

TEST_CASE("pep380: the end after a next or a send has the result") {
  Log log;
  auto generator = returning(&log, 42);
  generator.next();
  CHECK_FALSE(generator.next());
  CHECK(generator.result() == 42);
  auto other = returning(&log);
  other.next();
  CHECK_FALSE(other.send(1));
  CHECK(other.result() == std::nullopt);
}

// --- loops

inline Gen loops_back(Log* log, Gen* outer) {
  log->push_back("inner starts");
  co_yield "inner 1";
  log->push_back("inner awaits outer");
  co_await *outer;
  log->push_back("inner goes on");
}

inline Gen starts_loop(Log* log, Gen* self) {
  log->push_back("outer starts");
  co_yield "outer 1";
  log->push_back("outer awaits inner");
  co_await loops_back(log, self);
  log->push_back("outer goes on");
}

TEST_CASE("pep380: a loop of delegations is an error") {
  Log log;
  Gen outer = nothing();
  outer = starts_loop(&log, &outer);
  const auto run = [&] {
    for (const std::string& value : outer) {
      log.push_back("got " + value);
    }
  };
  CHECK_THROWS_WITH_AS(run(), "generator already executing", std::logic_error);
  CHECK(log == Log{
                   "outer starts",
                   "got outer 1",
                   "outer awaits inner",
                   "inner starts",
                   "got inner 1",
                   "inner awaits outer",
               });
}

using Ints = Generator<int, int>;

struct Poke {};

/// Yields, and takes no notice of a Poke.
inline Ints patiently(int value) {
  try {
    co_yield value;
  } catch (const Poke&) {
  }
}

inline Ints tries_to_loop(Ints* outer) {
  co_await patiently(1);
  try {
    co_await *outer;
  } catch (const std::logic_error&) {
  }
  co_await patiently(2);
}

inline Ints survives_loop(Ints* self) {
  co_await patiently(0);
  co_await tries_to_loop(self);
  co_await patiently(3);
}

TEST_CASE("pep380: one that delegates counts as running") {
  const auto resume = [](Ints& generator, int how) {
    if (how == 0) {
      return generator.next();
    }
    return how == 1 ? generator.send(42) : generator.throw_(Poke());
  };
  for (int how = 0; how < 3; ++how) {
    Ints outer = patiently(0);
    outer = survives_loop(&outer);
    std::vector<int> values;
    auto yielded = outer.next();
    while (yielded) {
      values.push_back(*yielded);
      yielded = resume(outer, how);
    }
    CHECK(values == std::vector<int>{0, 1, 2, 3});
  }
}

struct NextInDestructor {
  explicit NextInDestructor(Ints* g, Log* l) : generator(g), log(l) {}
  NextInDestructor(const NextInDestructor&) = delete;
  NextInDestructor& operator=(const NextInDestructor&) = delete;
  ~NextInDestructor() {
    try {
      generator->next();
    } catch (const std::logic_error& error) {
      log->push_back(error.what());
    }
  }
  Ints* generator;
  Log* log;
};

inline Ints looks_back(Ints* outer, Log* log) {
  const NextInDestructor at_the_end(outer, log);
  co_yield 42;
}

inline Ints over_looks_back(Ints* self, Log* log) {
  co_await looks_back(self, log);
}

TEST_CASE("pep380: it counts as running while its delegate is closed") {
  Log log;
  Ints outer = patiently(0);
  outer = over_looks_back(&outer, &log);
  outer.next();
  outer.close();
  CHECK(log == Log{"generator already executing"});
}

}  // namespace test_pep380
