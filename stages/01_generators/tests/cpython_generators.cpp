// The cases of CPython's test_generators, in the same order of events. What
// C++ makes impossible is in the book's appendix.
#include <algorithm>
#include <cstdlib>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/testing.hpp"
#include "generator.hpp"

namespace test_cpython_generators {

using namespace asyncio;

using Log = std::vector<std::string>;
using Numbers = std::vector<int>;
using Ints = Generator<int>;

inline Numbers list(Ints generator) {
  Numbers numbers;
  for (int number : generator) {
    numbers.push_back(number);
  }
  return numbers;
}

inline Numbers first(int n, Ints& generator) {
  Numbers numbers;
  for (int i = 0; i < n; ++i) {
    numbers.push_back(generator.next().value());
  }
  return numbers;
}

// --- The tutorial

inline Ints one_two() {
  co_yield 1;
  co_yield 2;
}

inline Ints stops_early(bool stop) {
  co_yield 1;
  if (stop) {
    co_return;
  }
  co_yield 2;
}

TEST_CASE("cpython: falling off the end stops it, for good") {
  CHECK(list(one_two()) == Numbers{1, 2});
  auto generator = one_two();
  CHECK(generator.next() == 1);
  CHECK(generator.next() == 2);
  CHECK_FALSE(generator.next());
  CHECK_FALSE(generator.next());
}

TEST_CASE("cpython: return stops it, for good") {
  auto generator = stops_early(true);
  CHECK(generator.next() == 1);
  CHECK_FALSE(generator.next());
  CHECK_FALSE(generator.next());
}

inline Ints returns_in_try() {
  bool caught = false;
  try {
    co_return;
  } catch (...) {
    caught = true;
  }
  if (caught) {
    co_yield 1;
  }
}

TEST_CASE("cpython: return is no exception") {
  CHECK(list(returns_in_try()) == Numbers{});
}

inline Ints range(int n) {
  for (int i = 0; i < n; ++i) {
    co_yield i;
  }
}

inline Ints again(Ints inner) {
  for (int number : inner) {
    co_yield number;
  }
}

TEST_CASE("cpython: a generator goes on for whoever has it now") {
  auto generator = range(5);
  CHECK(generator.next() == 0);
  Ints moved = std::move(generator);
  CHECK(list(std::move(moved)) == Numbers{1, 2, 3, 4});
}

TEST_CASE("cpython: generators can drive generators") {
  CHECK(list(again(range(5))) == Numbers{0, 1, 2, 3, 4});
}

// --- PEP 255

inline Ints resumes_itself(Ints* self) {
  const int number = self->next().value();
  co_yield number;
}

TEST_CASE("cpython: it cannot be resumed while it runs") {
  Ints generator = range(0);
  generator = resumes_itself(&generator);
  CHECK_THROWS_WITH_AS(
      generator.next(), "generator already executing", std::logic_error
  );
}

inline int fails() { throw std::domain_error("division by zero"); }

inline Ints yields_failure() {
  co_yield fails();
  co_yield 42;
}

TEST_CASE("cpython: an error passes on and ends it") {
  auto generator = yields_failure();
  CHECK_THROWS_AS(generator.next(), std::domain_error);
  CHECK_FALSE(generator.next());
}

/// PEP 255's ladder of try blocks. No handler may yield here: each notes what
/// it would do, and that is done below it.
inline Ints ladder() {
  bool failed = false;
  try {
    co_yield 1;
    std::exception_ptr error;
    try {
      co_yield 2;
      fails();
      co_yield 3;
    } catch (const std::domain_error&) {
      error = std::current_exception();
    }
    if (error) {
      co_yield 4;
      co_yield 5;
      std::rethrow_exception(error);
    }
    co_yield 7;
  } catch (...) {
    failed = true;
  }
  if (failed) {
    co_yield 8;
  }
  co_yield 9;
  co_yield 10;
  co_yield 11;
}

TEST_CASE("cpython: try blocks around yields") {
  CHECK(list(ladder()) == Numbers{1, 2, 4, 5, 8, 9, 10, 11});
}

struct Tree {
  char label;
  std::unique_ptr<Tree> left;
  std::unique_ptr<Tree> right;
};

inline std::unique_ptr<Tree> tree(const std::string& labels) {
  if (labels.empty()) {
    return nullptr;
  }
  const auto middle = labels.size() / 2;
  auto node = std::make_unique<Tree>();
  node->label = labels[middle];
  node->left = tree(labels.substr(0, middle));
  node->right = tree(labels.substr(middle + 1));
  return node;
}

inline Generator<char> in_order(const Tree* node) {
  if (node) {
    for (char label : in_order(node->left.get())) {
      co_yield label;
    }
    co_yield node->label;
    for (char label : in_order(node->right.get())) {
      co_yield label;
    }
  }
}

inline Generator<char> in_order_delegating(const Tree* node) {
  if (node) {
    co_await in_order_delegating(node->left.get());
    co_yield node->label;
    co_await in_order_delegating(node->right.get());
  }
}

inline Generator<char> in_order_flat(const Tree* node) {
  std::vector<const Tree*> stack;
  while (node) {
    while (node->left) {
      stack.push_back(node);
      node = node->left.get();
    }
    co_yield node->label;
    while (!node->right) {
      if (stack.empty()) {
        co_return;
      }
      node = stack.back();
      stack.pop_back();
      co_yield node->label;
    }
    node = node->right.get();
  }
}

TEST_CASE("cpython: a binary tree in order, in three ways") {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const auto root = tree(alphabet);
  for (auto walk : {in_order, in_order_delegating, in_order_flat}) {
    std::string labels;
    for (char label : walk(root.get())) {
      labels += label;
    }
    CHECK(labels == alphabet);
  }
}

// --- From mailing lists

inline Generator<void> nothing_four_times() {
  for (int i = 0; i < 3; ++i) {
    co_yield None;
  }
  co_yield None;
  co_return;
}

TEST_CASE("cpython: yielding nothing is not returning") {
  auto generator = nothing_four_times();
  int steps = 0;
  while (generator.next()) {
    ++steps;
  }
  CHECK(steps == 4);
}

inline Generator<Numbers> combinations(Numbers from, std::size_t k) {
  if (k > from.size()) {
    co_return;
  }
  if (k == 0) {
    Numbers empty;
    co_yield std::move(empty);
    co_return;
  }
  const int head = from.front();
  from.erase(from.begin());
  for (Numbers& with : combinations(from, k - 1)) {
    with.insert(with.begin(), head);
    co_yield std::move(with);
  }
  for (Numbers& without : combinations(from, k)) {
    co_yield std::move(without);
  }
}

TEST_CASE("cpython: all combinations of k elements") {
  const auto all = [](std::size_t k) {
    std::vector<Numbers> found;
    for (Numbers& one : combinations(Numbers{1, 2, 3, 4}, k)) {
      found.push_back(one);
    }
    return found;
  };
  using Found = std::vector<Numbers>;
  CHECK(all(0) == Found{{}});
  CHECK(all(1) == Found{{1}, {2}, {3}, {4}});
  CHECK(all(2) == Found{{1, 2}, {1, 3}, {1, 4}, {2, 3}, {2, 4}, {3, 4}});
  CHECK(all(3) == Found{{1, 2, 3}, {1, 2, 4}, {1, 3, 4}, {2, 3, 4}});
  CHECK(all(4) == Found{{1, 2, 3, 4}});
  CHECK(all(5).empty());
}

/// A union-find whose find() is a generator that switches over to its
/// parent's when it gets one. Several share a parent, so it is driven by hand.
class DisjointSet {
 public:
  explicit DisjointSet(char name) : name_(name), generator_(generate()) {}
  DisjointSet(const DisjointSet&) = delete;
  DisjointSet& operator=(const DisjointSet&) = delete;

  char find() { return generator_.next().value(); }
  void unite(DisjointSet& parent) { parent_ = &parent; }

 private:
  Generator<char> generate() {
    while (!parent_) {
      co_yield name_;
    }
    for (char name : parent_->generator_) {
      co_yield name;
    }
  }

  char name_;
  DisjointSet* parent_ = nullptr;
  Generator<char> generator_;
};

TEST_CASE("cpython: union-find, several drive the same generator") {
  std::deque<DisjointSet> sets;
  for (const char name : {'A', 'B', 'C', 'D', 'E'}) {
    sets.emplace_back(name);
  }
  const auto roots = [&sets] {
    std::string names;
    for (DisjointSet& set : sets) {
      names += set.find();
    }
    return names;
  };
  CHECK(roots() == "ABCDE");
  sets[3].unite(sets[2]);
  CHECK(roots() == "ABCCE");
  sets[0].unite(sets[1]);
  sets[4].unite(sets[2]);
  CHECK(roots() == "BBCCC");
  sets[2].unite(sets[1]);
  CHECK(roots() == "BBBBB");
}

// --- Fun

inline Ints ints_from(int i) {
  while (true) {
    co_yield i;
    ++i;
  }
}

inline Ints exclude_multiples(int n, Ints ints) {
  for (int i : ints) {
    if (i % n != 0) {
      co_yield i;
    }
  }
}

inline Ints sieve(Ints ints) {
  if (const std::optional<int> prime = ints.next()) {
    co_yield *prime;
    co_await sieve(exclude_multiples(*prime, std::move(ints)));
  }
}

TEST_CASE("cpython: a sieve of generators") {
  auto from_five = ints_from(5);
  CHECK(first(7, from_five) == Numbers{5, 6, 7, 8, 9, 10, 11});
  auto no_threes = exclude_multiples(3, ints_from(1));
  CHECK(first(6, no_threes) == Numbers{1, 2, 4, 5, 7, 8});
  auto primes = sieve(ints_from(2));
  CHECK(first(20, primes) == Numbers{2,  3,  5,  7,  11, 13, 17, 19, 23, 29,
                                     31, 37, 41, 43, 47, 53, 59, 61, 67, 71});
}

inline Ints times(int n, Ints ints) {
  for (int i : ints) {
    co_yield n * i;
  }
}

inline Ints merge(Ints g, Ints h) {
  std::optional<int> from_g = g.next();
  std::optional<int> from_h = h.next();
  while (true) {
    const int smaller = std::min(*from_g, *from_h);
    co_yield smaller;
    if (*from_g == smaller) {
      from_g = g.next();
    }
    if (*from_h == smaller) {
      from_h = h.next();
    }
  }
}

inline Ints hamming();

inline Ints times_hamming(int n) { return times(n, hamming()); }

inline Ints hamming() {
  co_yield 1;
  Ints small = merge(times_hamming(2), times_hamming(3));
  for (int i : merge(std::move(small), times_hamming(5))) {
    co_yield i;
  }
}

TEST_CASE("cpython: Hamming's numbers, each stream made anew") {
  auto tens = times(10, ints_from(1));
  CHECK(first(4, tens) == Numbers{10, 20, 30, 40});
  auto numbers = hamming();
  CHECK(first(15, numbers) ==
        Numbers{1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16, 18, 20, 24});
  CHECK(first(5, numbers) == Numbers{25, 27, 30, 32, 36});
}

/// What was yielded so far, for any number of readers (itertools.tee).
class LazyList {
 public:
  template <class Start>
  explicit LazyList(Start start) : source_(start(this)) {}

  Ints read(std::size_t from) {
    for (std::size_t i = from;; ++i) {
      while (i >= so_far_.size()) {
        so_far_.push_back(source_.next().value());
      }
      co_yield so_far_[i];
    }
  }

 private:
  std::vector<int> so_far_;
  Ints source_;
};

inline Ints shared_hamming(LazyList* all) {
  co_yield 1;
  Ints small = merge(times(2, all->read(0)), times(3, all->read(0)));
  co_await merge(std::move(small), times(5, all->read(0)));
}

inline Ints fibonacci(LazyList* all) {
  co_yield 1;
  co_yield 2;
  Ints left = all->read(0);
  Ints right = all->read(1);
  while (true) {
    const int a = left.next().value();
    const int b = right.next().value();
    co_yield a + b;
  }
}

TEST_CASE("cpython: streams that run after their own tails") {
  LazyList all(shared_hamming);
  auto numbers = all.read(60);
  CHECK(first(15, numbers) == Numbers{400, 405, 432, 450, 480, 486, 500, 512,
                                      540, 576, 600, 625, 640, 648, 675});
  LazyList sums(fibonacci);
  auto fibs = sums.read(0);
  CHECK(first(17, fibs) == Numbers{1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233,
                                   377, 610, 987, 1597, 2584});
}

/// The conjunction of generators: backtracking. (Queens on a board)
inline Generator<Numbers> queens(int n, Numbers placed) {
  if (static_cast<int>(placed.size()) == n) {
    co_yield std::move(placed);
    co_return;
  }
  for (int column = 0; column < n; ++column) {
    bool free = true;
    for (std::size_t i = 0; i < placed.size(); ++i) {
      const int distance = static_cast<int>(placed.size() - i);
      free = free && placed[i] != column &&
             std::abs(placed[i] - column) != distance;
    }
    if (free) {
      placed.push_back(column);
      co_await queens(n, placed);
      placed.pop_back();
    }
  }
}

TEST_CASE("cpython: eight queens by backtracking") {
  Numbers none;
  int solutions = 0;
  for (Numbers& solution : queens(8, none)) {
    if (++solutions == 1) {
      CHECK(solution == Numbers{0, 4, 7, 5, 2, 6, 1, 3});
    }
  }
  CHECK(solutions == 92);
}

// --- Sending

inline Generator<int, int> shows_sent(Log* log) {
  const std::optional<int> sent = co_yield 1;
  log->push_back("has " + std::to_string(sent.value()));
  co_yield 2;
}

TEST_CASE("cpython: sending into a started generator") {
  Log log;
  auto generator = shows_sent(&log);
  CHECK(generator.next() == 1);
  CHECK(log.empty());
  CHECK(generator.send(42) == 2);
  CHECK(log == Log{"has 42"});
}

TEST_CASE("cpython: sending into a new generator is an error") {
  Log log;
  auto generator = shows_sent(&log);
  CHECK_THROWS_WITH_AS(
      generator.send(0), "can't send a value to a just-started generator",
      std::logic_error
  );
  CHECK(generator.next() == 1);
}

inline Generator<void, int> sums(std::vector<int>* sums_so_far) {
  int sum = 0;
  while (sum < 200) {
    const std::optional<int> sent = co_yield None;
    sum += sent.value();
    sums_so_far->push_back(sum);
  }
}

TEST_CASE("cpython: a yield within a sum") {
  Numbers log;
  auto generator = sums(&log);
  generator.next();
  CHECK(log == Numbers{});
  generator.send(10);
  CHECK(log == Numbers{10});
  generator.send(10);
  generator.send(10);
  CHECK(log == Numbers{10, 20, 30});
}

TEST_CASE("cpython: lambdas can be generators") {
  using Gen = Generator<int, int, int>;
  const auto f = []() -> Gen { co_return (co_yield 1).value(); };
  const auto f2 = [](Gen (*inner)()) -> Gen { co_return co_await inner(); };
  const auto drive = [](Gen generator) {
    CHECK(generator.next() == 1);
    CHECK_FALSE(generator.send(2));
    CHECK(generator.result() == 2);
  };
  drive(f());
  drive(f2(f));
}

inline Generator<int, std::pair<int, int>, std::pair<int, int>> gives_back() {
  const std::optional<std::pair<int, int>> sent = co_yield 1;
  co_return sent.value();
}

TEST_CASE("cpython: a tuple comes back whole") {
  auto generator = gives_back();
  CHECK(generator.next() == 1);
  CHECK_FALSE(generator.send(std::pair<int, int>(2, 3)));
  CHECK(generator.result() == std::pair<int, int>(2, 3));
}

inline Generator<int, std::exception_ptr, std::exception_ptr> gives_error() {
  const std::optional<std::exception_ptr> sent = co_yield 1;
  co_return sent.value();
}

TEST_CASE("cpython: an exception can be a value") {
  auto generator = gives_error();
  CHECK(generator.next() == 1);
  const auto error = std::make_exception_ptr(std::domain_error("eels"));
  CHECK_FALSE(generator.send(error));
  CHECK(generator.result() == error);
}

TEST_CASE("cpython: generators cannot be copied") {
  CHECK_FALSE(std::is_copy_constructible_v<Ints>);
  CHECK_FALSE(std::is_copy_assignable_v<Ints>);
  CHECK(std::is_move_constructible_v<Ints>);
}

// --- Throwing

inline Generator<void, int> catches(Log* log) {
  while (true) {
    try {
      const std::optional<int> sent = co_yield None;
      log->push_back(sent ? std::to_string(*sent) : "None");
    } catch (const std::domain_error& error) {
      log->push_back(std::string("caught ") + error.what());
    }
  }
}

TEST_CASE("cpython: throw, send, and an error that it does not catch") {
  Log log;
  auto generator = catches(&log);
  CHECK(generator.next());
  CHECK(generator.throw_(std::domain_error("xyz")));
  CHECK(generator.throw_(std::make_exception_ptr(std::domain_error("1"))));
  try {
    throw std::domain_error("2");
  } catch (...) {
    CHECK(generator.throw_(std::current_exception()));
  }
  CHECK(generator.send(1));
  CHECK_THROWS_AS(generator.throw_(std::range_error("x")), std::range_error);
  CHECK(generator.done());
  CHECK_FALSE(generator.send(2));
  CHECK_THROWS_WITH_AS(
      generator.throw_(std::domain_error("6")), "6", std::domain_error
  );
  CHECK(log == Log{"caught xyz", "caught 1", "caught 2", "1"});
}

TEST_CASE("cpython: throw into a new generator ends it") {
  Log log;
  auto generator = catches(&log);
  CHECK_THROWS_WITH_AS(
      generator.throw_(std::domain_error("7")), "7", std::domain_error
  );
  CHECK(generator.done());
  CHECK_FALSE(generator.next());
  CHECK(log.empty());
}

inline Generator<void> keeps_error() {
  std::exception_ptr error;
  try {
    co_yield None;
  } catch (...) {
    error = std::current_exception();
  }
  co_yield None;
  co_yield None;
  std::rethrow_exception(error);
}

TEST_CASE("cpython: a caught error can be kept over yields and thrown again") {
  auto generator = keeps_error();
  CHECK(generator.next());
  CHECK(generator.throw_(std::domain_error("eels")));
  CHECK(std::current_exception() == nullptr);
  CHECK(generator.next());
  CHECK_THROWS_WITH_AS(generator.next(), "eels", std::domain_error);
  CHECK(std::current_exception() == nullptr);
}

inline Generator<bool> sees_handled_error() {
  co_yield std::current_exception() != nullptr;
  co_yield std::current_exception() != nullptr;
}

TEST_CASE("cpython: it sees the error that its caller is handling") {
  auto generator = sees_handled_error();
  try {
    throw std::domain_error("eels");
  } catch (...) {
    CHECK(generator.next() == true);
  }
  CHECK(generator.next() == false);
}

inline Generator<void> other_error() {
  try {
    throw std::out_of_range("handled before");
  } catch (const std::out_of_range&) {
  }
  try {
    co_yield None;
  } catch (const std::exception&) {
    throw std::runtime_error("other");
  }
}

TEST_CASE("cpython: a handler may throw another error") {
  auto generator = other_error();
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.throw_(std::domain_error("eels")), "other", std::runtime_error
  );
}

struct Interrupt {};

inline Generator<void, void, std::string> interrupted() {
  try {
    co_yield None;
  } catch (const Interrupt&) {
    co_return "passed";
  }
  co_return "failed";
}

inline Generator<void, void, std::string> over_interrupted() {
  co_return co_await interrupted();
}

TEST_CASE("cpython: an interrupt arrives in the innermost generator") {
  auto generator = over_interrupted();
  generator.next();
  CHECK_FALSE(generator.throw_(Interrupt()));
  CHECK(generator.result() == "passed");
}

// --- Closing and dropping

inline Generator<void> says_exit(Log* log) {
  try {
    co_yield None;
  } catch (const GeneratorExit&) {
    log->push_back("exiting");
  }
}

TEST_CASE("cpython: close once, close again, close before the start") {
  Log log;
  auto generator = says_exit(&log);
  generator.next();
  generator.close();
  CHECK(log == Log{"exiting"});
  generator.close();
  CHECK(log == Log{"exiting"});
  says_exit(&log).close();
  CHECK(log == Log{"exiting"});
}

struct Finally {
  Finally(Log* l, const char* t) : log(l), text(t) {}
  Finally(const Finally&) = delete;
  Finally& operator=(const Finally&) = delete;
  ~Finally() { log->push_back(text); }
  Log* log;
  const char* text;
};

inline Generator<void> finalized(Log* log) {
  const Finally finally(log, "finally");
  try {
    co_yield None;
  } catch (const std::exception&) {
    log->push_back("except");
  }
}

TEST_CASE("cpython: a dropped generator is finalized, as no std::exception") {
  Log log;
  {
    auto generator = finalized(&log);
    generator.next();
    CHECK(log.empty());
  }
  CHECK(log == Log{"finally"});
}

inline Generator<int> ignores_exit() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
  }
  co_yield 2;
}

TEST_CASE("cpython: one that yields while it is closed") {
  auto generator = ignores_exit();
  generator.next();
  CHECK_THROWS_WITH_AS(
      generator.close(), "generator ignored GeneratorExit", std::runtime_error
  );
  CHECK_FALSE(generator.done());
  generator.close();
  CHECK(generator.done());
}

inline Generator<void> fails_at_exit() {
  try {
    co_yield None;
  } catch (const GeneratorExit&) {
    throw std::domain_error("fie");
  }
}

TEST_CASE("cpython: an error while it is closed comes out of close") {
  auto generator = fails_at_exit();
  generator.next();
  CHECK_THROWS_WITH_AS(generator.close(), "fie", std::domain_error);
}

}  // namespace test_cpython_generators
