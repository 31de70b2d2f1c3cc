// Generators against a model of Python's semantics: next, send, throw_, close,
// drop, move, delegation and iteration, from outside and from inside of bodies
// and of destructors.
//
// A script is a table of bodies and a main body, each a list of operations.
// What it drives are the generators in a few slots. A generator runs a body,
// and so does each guard when it dies: its last words. Guards are local
// variables and parameters of generators; a parameter may be a generator, too.
//
// Differences from Python are those of the book's appendix: parameters die with
// the generator object, a result is taken once, a generator has one awaiter,
// and one that is destroyed while it is awaited leaves its awaiter an error. As
// long as one frame of a chain of delegations runs, all of them count as
// running. A generator that is dropped while it runs goes when the chain has
// stopped; if it is awaited, it may live on until its delegator goes on.

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "fuzz.hpp"
#include "generator.hpp"

namespace {

// ---- The script ----------------------------------------------------------

enum Kind {
  // Anybody can do these.
  CREATE,
  WRAP,
  CHAIN,
  NEXT,
  SEND,
  THROW,
  CLOSE,
  DROP,
  MOVE,
  ASSIGN,
  STATUS,
  ITERATE,
  TEMPORARY,
  // These are for the body of a generator.
  YIELD,
  AWAIT,
  AWAIT_NEW,
  AWAIT_PARAMETER,
  DRIVE_PARAMETER,
  DROP_PARAMETER,
  RETURN,
  RAISE,
  LOCAL,
  END_LOCAL,
};

constexpr int slot_count = 4;
constexpr int fuel_limit = 500;

struct Operation {
  Kind kind;
  int slot;
  int number;
  int body;
  int last_words;
  /// What a body does with an exception of this operation.
  bool catches_exit;
  bool catches_errors;
};

using Body = std::vector<Operation>;

const char* name(Kind kind) {
  static const char* const names[] = {
      "create", "wrap",   "chain",  "next",    "send",      "throw",
      "close",  "drop",   "move",   "assign",  "status",    "iterate",
      "temporary", "yield", "await", "await new", "await parameter",
      "drive parameter", "drop parameter", "return", "raise", "local",
      "end local",
  };
  return names[kind];
}

/// A second slot, for operations with two.
int other_slot(const Operation& operation) {
  return operation.number % slot_count;
}

/// Whether a variable that was moved from stays.
bool leaves_husk(const Operation& operation) { return operation.number >= 192; }

/// Mostly small, at most 300.
int depth_of(const Operation& operation) {
  const int number = operation.number;
  return number < 208 ? 1 + number % 8 : 30 + (number - 208) * 270 / 47;
}

/// How often each kind occurs.
struct Weight {
  Kind kind;
  int count;
};

constexpr Weight weights[] = {
    {CREATE, 6},
    {WRAP, 3},
    {CHAIN, 1},
    {NEXT, 8},
    {SEND, 2},
    {THROW, 3},
    {CLOSE, 2},
    {DROP, 4},
    {MOVE, 1},
    {ASSIGN, 1},
    {STATUS, 3},
    {ITERATE, 1},
    {TEMPORARY, 1},
    // The main body has none of these.
    {YIELD, 10},
    {AWAIT, 6},
    {AWAIT_NEW, 3},
    {AWAIT_PARAMETER, 3},
    {DRIVE_PARAMETER, 1},
    {DROP_PARAMETER, 1},
    {RETURN, 1},
    {RAISE, 1},
    {LOCAL, 2},
    {END_LOCAL, 1},
};

Kind choose(int number, bool is_main) {
  int total = 0;
  for (const Weight& weight : weights) {
    total += is_main && weight.kind >= YIELD ? 0 : weight.count;
  }
  number %= total;
  for (const Weight& weight : weights) {
    number -= weight.count;
    if (number < 0) {
      return weight.kind;
    }
  }
  return CREATE;
}

class Script {
 public:
  explicit Script(fuzz::Input input) {
    bodies_.resize(static_cast<std::size_t>(input.below(7)));
    for (Body& body : bodies_) {
      for (int left = input.below(8); left > 0; --left) {
        body.push_back(operation(input, false));
      }
    }
    while (!input.empty() && main_.size() < 100) {
      main_.push_back(operation(input, true));
    }
    Operation step = {AWAIT_PARAMETER, 0, 0, 0, 15, false, false};
    awaits_its_parameter_ = {step};
    step.kind = YIELD;
    yields_twice_ = {step, step};
  }

  const Body& main() const { return main_; }

  /// Of those that no input has written there are two.
  const Body& body(int number) const {
    const auto place = static_cast<std::size_t>(number);
    if (place < bodies_.size()) {
      return bodies_[place];
    }
    return number % 2 == 0 ? awaits_its_parameter_ : yields_twice_;
  }

  /// What a guard says; mostly nothing.
  const Body* last_words(int number) const {
    const auto place = static_cast<std::size_t>(number);
    return place < bodies_.size() ? &bodies_[place] : nullptr;
  }

  void print() const {
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      print("body " + std::to_string(i), bodies_[i]);
    }
    print("main", main_);
  }

 private:
  static void print(const std::string& title, const Body& body) {
    ::dprintf(STDERR_FILENO, "%s:\n", title.c_str());
    for (const Operation& operation : body) {
      ::dprintf(
          STDERR_FILENO,
          "  %s(%d), number %d, body %d, last words %d%s%s\n",
          name(operation.kind),
          operation.slot,
          operation.number,
          operation.body,
          operation.last_words,
          operation.catches_exit ? ", catches exit" : "",
          operation.catches_errors ? ", catches errors" : ""
      );
    }
  }

  static Operation operation(fuzz::Input& input, bool is_main) {
    const Kind kind = choose(input.byte(), is_main);
    const int where = input.byte();
    const int number = input.byte();
    const int two_bodies = input.byte();
    return {
        kind,
        where % slot_count,
        number,
        two_bodies % 16,
        two_bodies / 16,
        (where & 64) != 0,
        (where & 128) != 0,
    };
  }

  std::vector<Body> bodies_;
  Body main_;
  Body awaits_its_parameter_;
  Body yields_twice_;
};

// ---- What both have in common --------------------------------------------

constexpr const char* exit_text = "GeneratorExit";
constexpr const char* executing = "generator already executing";
constexpr const char* moved_from = "generator was moved from";
constexpr const char* just_started =
    "can't send a value to a just-started generator";
constexpr const char* awaited = "generator already awaited";
constexpr const char* destroyed = "awaited generator was destroyed";
constexpr const char* no_result = "generator has no result";
constexpr const char* ignored = "generator ignored GeneratorExit";
constexpr const char* no_exception = "no exception to throw";

std::string shown(const std::optional<int>& value, const char* none) {
  return value ? std::to_string(*value) : none;
}

/// The log, the fuel, and the numbers of generators and guards.
class Common {
 public:
  explicit Common(const Script& script) : script_(script) {}

  const fuzz::Log& log() const { return log_; }

 protected:
  void log(const Operation& operation, const std::string& what) {
    log_.add(
        std::string(name(operation.kind)) + " " +
        std::to_string(operation.slot) + ": " + what
    );
  }
  void log(int generator, const std::string& what) {
    log_.add("generator " + std::to_string(generator) + " " + what);
  }

  /// Whether there is fuel for one more.
  bool burn(int amount = 1) {
    if (fuel_ < amount) {
      fuel_ = 0;
      return false;
    }
    fuel_ -= amount;
    return true;
  }

  const Script& script_;
  fuzz::Log log_;
  int fuel_ = fuel_limit;
  int generators_ = 0;
  int guards_ = 0;
  /// How many guards are saying their last words.
  int dying_ = 0;
};

// ---- The real ones -------------------------------------------------------

using Generator = asyncio::Generator<int, int, int>;

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const asyncio::GeneratorExit&) {
    return exit_text;
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

/// Takes what is written to stderr, but by sanitizers, until it is destroyed.
class StderrTo {
 public:
  explicit StderrTo(std::string& text) : text_(text) {
    stderr = open_memstream(&buffer_, &size_);
  }
  StderrTo(const StderrTo&) = delete;
  StderrTo& operator=(const StderrTo&) = delete;
  ~StderrTo() {
    std::fclose(std::exchange(stderr, old_));
    text_.assign(buffer_, size_);
    std::free(buffer_);
  }

 private:
  std::string& text_;
  char* buffer_ = nullptr;
  std::size_t size_ = 0;
  FILE* const old_ = stderr;
};

class Real : public Common {
 public:
  explicit Real(const Script& script) : Common(script) {}
  Real(const Real&) = delete;
  Real& operator=(const Real&) = delete;

  void play() {
    const StderrTo taken(complaints_);
    perform_all(script_.main());
    log_.add("the end");
    // Guards may fill slots again, as long as there is fuel.
    for (int passes = 0; passes < fuel_limit; ++passes) {
      for (auto& slot : slots_) {
        slot.reset();
      }
    }
  }

  /// How many guards have not died.
  static int alive() { return Guard::alive; }

  /// What was said of exceptions that nobody could be given, a line each.
  const std::string& complaints() const { return complaints_; }

 private:
  /// A local variable or a parameter; says its last words when it dies.
  class Guard {
   public:
    static inline int alive = 0;

    Guard(Real& real, int last_words)
        : real_(real), number_(real.guards_++), last_words_(last_words) {
      ++alive;
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;
    ~Guard() {
      --alive;
      real_.log_.add("guard " + std::to_string(number_) + " dies");
      if (const Body* const body = real_.script_.last_words(last_words_)) {
        ++real_.dying_;
        real_.perform_all(*body);
        --real_.dying_;
      }
    }

   private:
    Real& real_;
    const int number_;
    const int last_words_;
  };

  /// The generator dies first.
  struct Parameters {
    std::shared_ptr<Guard> guard;
    std::optional<Generator> generator;
  };

  /// Dies in the order of C++, the youngest first.
  struct Locals {
    Locals() = default;
    Locals(const Locals&) = delete;
    Locals& operator=(const Locals&) = delete;
    ~Locals() {
      while (!guards.empty()) {
        end();
      }
    }
    void end() {
      const std::unique_ptr<Guard> last = std::move(guards.back());
      guards.pop_back();
    }
    std::vector<std::unique_ptr<Guard>> guards;
  };

  Generator create(int body, int last_words) {
    return create(body, last_words, std::nullopt);
  }

  Generator create(
      int body,
      int last_words,
      std::optional<Generator> generator
  ) {
    Parameters parameters = {
        std::make_shared<Guard>(*this, last_words),
        std::move(generator),
    };
    return run(
        this,
        generators_++,
        &script_.body(body),
        std::move(parameters)
    );
  }

  static Generator run(
      Real* real,
      int number,
      const Body* body,
      Parameters parameters
  ) {
    Locals locals;
    // clang 14 gets a co_return within the loop wrong, under UBSan at -O1.
    std::optional<int> result;
    for (const Operation& operation : *body) {
      if (result || !real->burn()) {
        break;
      }
      try {
        switch (operation.kind) {
          case YIELD: {
            const std::optional<int> sent = co_yield operation.number;
            real->log(number, "has " + shown(sent, "None"));
            break;
          }
          case AWAIT:
            if (const auto& here = real->slot(operation.slot)) {
              const int value = co_await *here;
              real->log(number, "awaited " + std::to_string(value));
            }
            break;
          case AWAIT_NEW: {
            const int value =
                co_await real->create(operation.body, operation.last_words);
            real->log(number, "awaited " + std::to_string(value));
            break;
          }
          case AWAIT_PARAMETER:
            if (parameters.generator) {
              const int value = co_await *parameters.generator;
              real->log(number, "awaited " + std::to_string(value));
            }
            break;
          case DRIVE_PARAMETER:
            if (parameters.generator) {
              const auto value = parameters.generator->next();
              real->log(number, "drives " + shown(value, "end"));
            }
            break;
          case DROP_PARAMETER:
            parameters.generator.reset();
            break;
          case RETURN:
            result = operation.number;
            break;
          case RAISE:
            throw std::domain_error("error " +
                                    std::to_string(operation.number));
          case LOCAL:
            locals.guards.push_back(
                std::make_unique<Guard>(*real, operation.last_words)
            );
            break;
          case END_LOCAL:
            if (!locals.guards.empty()) {
              locals.end();
            }
            break;
          default:
            real->act(operation);
        }
      } catch (const asyncio::GeneratorExit&) {
        if (!operation.catches_exit) {
          throw;
        }
        real->log(number, "caught GeneratorExit");
      } catch (const std::exception&) {
        if (!operation.catches_errors) {
          throw;
        }
        real->log(number, "caught " + text_of(std::current_exception()));
      }
    }
    co_return result.value_or(1000 + number);
  }

  std::unique_ptr<Generator>& slot(int number) {
    return slots_[static_cast<std::size_t>(number)];
  }

  // For the main body and for guards: what is thrown is only logged.
  void perform_all(const Body& body) {
    for (const Operation& operation : body) {
      if (!burn()) {
        return;
      }
      try {
        act(operation);
      } catch (...) {
      }
    }
  }

  /// Logs what comes of it; throws what it throws.
  void act(const Operation& operation) {
    std::string result;
    try {
      result = attempt(operation);
    } catch (...) {
      log(operation, text_of(std::current_exception()));
      throw;
    }
    if (!result.empty()) {
      log(operation, result);
    }
  }

  std::string attempt(const Operation& operation) {
    auto& here = slot(operation.slot);
    auto& there = slot(other_slot(operation));
    switch (operation.kind) {
      case CREATE:
        here.reset(
            new Generator(create(operation.body, operation.last_words))
        );
        return "";
      case WRAP:
        if (there) {
          here.reset(new Generator(create(
              operation.body, operation.last_words, take(there, operation)
          )));
        }
        return "";
      case CHAIN:
        chain(operation);
        return "";
      case TEMPORARY:
        temporary(operation);
        return "";
      default:
        return here ? attempt_with(here, operation) : "";
    }
  }

  std::string attempt_with(
      std::unique_ptr<Generator>& here,
      const Operation& operation
  ) {
    const int number = operation.number;
    auto& there = slot(other_slot(operation));
    switch (operation.kind) {
      case NEXT:
        return shown(here->next(), "end");
      case SEND:
        return shown(here->send(number), "end");
      case THROW:
        return shown(throw_into(*here, number), "end");
      case CLOSE:
        here->close();
        return "closed";
      case DROP:
        here.reset();
        return "dropped";
      case MOVE:
        there = std::make_unique<Generator>(take(here, operation));
        return "";
      case ASSIGN:
        if (there) {
          *there = std::move(*here);
        }
        return "";
      case STATUS:
        return status(*here, operation);
      case ITERATE:
        return iterate(take(here, operation), operation);
      default:
        return "";
    }
  }

  static Generator take(
      std::unique_ptr<Generator>& from,
      const Operation& operation
  ) {
    Generator taken = std::move(*from);
    if (!leaves_husk(operation)) {
      from.reset();
    }
    return taken;
  }

  static std::optional<int> throw_into(Generator& generator, int number) {
    if (number % 3 == 0) {
      return generator.throw_(asyncio::GeneratorExit());
    }
    if (number % 3 == 1) {
      const std::string text = "error " + std::to_string(number);
      return generator.throw_(std::domain_error(text));
    }
    try {
      return generator.throw_(std::exception_ptr());
    } catch (const std::invalid_argument&) {
      throw std::invalid_argument(no_exception);
    } catch (const std::logic_error& error) {
      // Of two mistakes either may be told.
      if (error.what() == std::string(moved_from)) {
        throw std::invalid_argument(no_exception);
      }
      throw;
    }
  }

  std::string status(Generator& generator, const Operation& operation) {
    const bool done = generator.done();
    log(operation, done ? "done" : "not done");
    // Between co_return and its end it may have a result or not.
    if (!done && dying_ > 0) {
      return "";
    }
    return std::to_string(generator.result());
  }

  std::string iterate(Generator taken, const Operation& operation) {
    int left = operation.number % 8;
    for (const int value : taken) {
      log(operation, std::to_string(value));
      if (--left <= 0) {
        break;
      }
    }
    return "over";
  }

  void chain(const Operation& operation) {
    const int depth = depth_of(operation);
    if (!burn(depth / 4)) {
      return;
    }
    Generator result = create(operation.body, operation.last_words);
    for (int i = 1; i < depth; ++i) {
      // Most of them delegate to their parameter; their guards are silent.
      const int body = i % 64 == 7 ? operation.body : 14;
      result = create(body, 15, std::move(result));
    }
    slot(operation.slot) = std::make_unique<Generator>(std::move(result));
  }

  // What nobody runs is gone at once, however deep in destructors we are.
  void temporary(const Operation& operation) {
    const auto guard = std::make_shared<Guard>(*this, operation.last_words);
    std::exception_ptr error;
    {
      Generator here = run(
          this,
          generators_++,
          &script_.body(operation.body),
          Parameters{guard, std::nullopt}
      );
      try {
        here.next();
      } catch (...) {
        error = std::current_exception();
      }
    }
    if (guard.use_count() != 1) {
      fuzz::fail("a generator outlives its owner");
    }
    if (error) {
      std::rethrow_exception(error);
    }
  }

  std::unique_ptr<Generator> slots_[slot_count];
  std::string complaints_;
};

// ---- The model -----------------------------------------------------------

/// An exception: its text.
using Error = std::optional<std::string>;

class Model : public Common {
 public:
  explicit Model(const Script& script) : Common(script) {}

  void play() {
    perform_all(script_.main());
    log_.add("the end");
    for (int passes = 0; passes < fuel_limit; ++passes) {
      for (Holder& slot : slots_) {
        assign(slot, Holder());
      }
    }
  }

  const std::string& complaints() const { return complaints_; }

  /// How much of both is to be compared: from some point on the order in which
  /// generators die is up to the implementation.
  std::optional<std::size_t> certain_lines() const { return certain_lines_; }
  std::size_t certain_complaints() const { return certain_complaints_; }

 private:
  struct Frame;
  using Owner = std::unique_ptr<Frame>;

  /// A variable for a generator: none, one that was moved from, or one.
  struct Holder {
    bool exists = false;
    Owner generator;
  };

  struct Guard {
    int number;
    int last_words;
  };

  struct Frame {
    int number = 0;
    const Body* body = nullptr;
    std::optional<Guard> guard;
    Holder parameter;
    std::vector<Guard> locals;
    std::size_t position = 0;
    bool started = false;
    bool done = false;
    Error error;
    std::optional<int> result;

    /// Whom it awaits, and whether it owns that.
    Frame* delegate = nullptr;
    Owner temporary;
    /// Whom it awaits has been destroyed.
    bool orphaned = false;
    /// Who awaits it: as long as it is not done, and until that goes on.
    Frame* delegator = nullptr;
    Frame* awaiter = nullptr;

    /// For the outermost of a chain: it runs, and these are to go after that.
    bool running = false;
    std::vector<Owner> doomed;
    bool is_doomed = false;
  };

  /// What comes of resuming a frame that has not ended with it.
  using Yielded = std::optional<int>;

  /// What a frame is resumed with.
  struct In {
    std::optional<int> sent;
    Error thrown;
  };

  /// What an operation has to say, or throws.
  struct Outcome {
    std::string text;
    Error error;
  };

  static Outcome fails(std::string text) { return {"", std::move(text)}; }

  // ---- Operations

  void perform_all(const Body& body) {
    for (const Operation& operation : body) {
      if (!burn()) {
        return;
      }
      act(operation);
    }
  }

  Error act(const Operation& operation) {
    const Outcome outcome = attempt(operation);
    if (outcome.error) {
      log(operation, *outcome.error);
    } else if (!outcome.text.empty()) {
      log(operation, outcome.text);
    }
    return outcome.error;
  }

  Holder& slot(int number) { return slots_[static_cast<std::size_t>(number)]; }

  Outcome attempt(const Operation& operation) {
    Holder& here = slot(operation.slot);
    Holder& there = slot(other_slot(operation));
    switch (operation.kind) {
      case CREATE:
        assign(here, create(operation.body, operation.last_words, Holder()));
        return {};
      case WRAP:
        if (there.exists) {
          assign(
              here,
              create(
                  operation.body, operation.last_words, take(there, operation)
              )
          );
        }
        return {};
      case CHAIN:
        chain(operation);
        return {};
      case TEMPORARY:
        return temporary(operation);
      case DROP:
        if (here.exists) {
          assign(here, Holder());
          return {"dropped", {}};
        }
        return {};
      case MOVE:
        if (here.exists) {
          assign(there, take(here, operation));
        }
        return {};
      case ASSIGN:
        if (here.exists && there.exists) {
          assign(there, Holder{true, std::move(here.generator)});
        }
        return {};
      default:
        break;
    }
    if (!here.exists) {
      return {};
    }
    if (operation.kind == THROW && operation.number % 3 == 2) {
      return fails(no_exception);
    }
    if (!here.generator && operation.kind < YIELD) {
      here.exists = operation.kind != ITERATE || leaves_husk(operation);
      return fails(moved_from);
    }
    return attempt_with(here, operation);
  }

  Outcome attempt_with(Holder& here, const Operation& operation) {
    switch (operation.kind) {
      case NEXT:
        return outcome(step(*here.generator, In()));
      case SEND:
        if (!here.generator->started) {
          return fails(just_started);
        }
        return outcome(step(*here.generator, In{operation.number, {}}));
      case THROW:
        return outcome(throw_into(*here.generator, operation.number));
      case CLOSE: {
        const Error error = close(*here.generator);
        return error ? fails(*error) : Outcome{"closed", {}};
      }
      case STATUS:
        return status(*here.generator, operation);
      case ITERATE:
        return iterate(take(here, operation).generator, operation);
      default:
        return {};
    }
  }

  Outcome status(const Frame& frame, const Operation& operation) {
    log(operation, frame.done ? "done" : "not done");
    if (!frame.done && dying_ > 0) {
      return {};
    }
    if (frame.error) {
      return fails(*frame.error);
    }
    return frame.result ? Outcome{std::to_string(*frame.result), {}}
                        : fails(no_result);
  }

  Outcome iterate(Owner taken, const Operation& operation) {
    Error error;
    for (int left = operation.number % 8;;) {
      const Step next = step(*taken, In());
      error = next.error;
      if (!next.value) {
        break;
      }
      log(operation, std::to_string(*next.value));
      if (--left <= 0) {
        break;
      }
    }
    drop(std::move(taken));
    return error ? fails(*error) : Outcome{"over", {}};
  }

  void chain(const Operation& operation) {
    const int depth = depth_of(operation);
    if (!burn(depth / 4)) {
      return;
    }
    Holder result = create(operation.body, operation.last_words, Holder());
    for (int i = 1; i < depth; ++i) {
      const int body = i % 64 == 7 ? operation.body : 14;
      result = create(body, 15, std::move(result));
    }
    assign(slot(operation.slot), std::move(result));
  }

  Outcome temporary(const Operation& operation) {
    Holder here = create(operation.body, operation.last_words, Holder());
    const Guard guard = *std::exchange(here.generator->guard, std::nullopt);
    const Step next = step(*here.generator, In());
    drop(std::move(here.generator));
    die(guard);
    return next.error ? fails(*next.error) : Outcome{};
  }

  // ---- Objects

  Holder create(int body, int last_words, Holder parameter) {
    Holder holder;
    holder.exists = true;
    holder.generator = std::make_unique<Frame>();
    holder.generator->number = generators_++;
    holder.generator->body = &script_.body(body);
    holder.generator->guard = Guard{guards_++, last_words};
    holder.generator->parameter = std::move(parameter);
    return holder;
  }

  static Holder take(Holder& from, const Operation& operation) {
    from.exists = leaves_husk(operation);
    return {true, std::move(from.generator)};
  }

  void assign(Holder& to, Holder value) {
    drop(std::exchange(to, std::move(value)).generator);
  }

  void die(const Guard& guard) {
    log_.add("guard " + std::to_string(guard.number) + " dies");
    if (const Body* const body = script_.last_words(guard.last_words)) {
      ++dying_;
      perform_all(*body);
      --dying_;
    }
  }

  void end_local(Frame& frame) {
    const Guard last = frame.locals.back();
    frame.locals.pop_back();
    die(last);
  }

  void drop(Owner owner) {
    if (!owner) {
      return;
    }
    Frame& frame = *owner;
    Frame& top = outermost(frame);
    if (top.running) {
      // Which of several goes first is not said.
      if (!top.doomed.empty()) {
        give_up();
      }
      frame.is_doomed = true;
      top.doomed.push_back(std::move(owner));
      return;
    }
    if (frame.started && !frame.done) {
      top.running = true;
      const Error error = close_frame(frame);
      top.running = false;
      if (error) {
        complaints_ +=
            "run: exception ignored while it was closed: " + *error + "\n";
      }
      if (!top.doomed.empty()) {
        give_up();
      }
      drop_doomed(top);
    }
    free(frame);
  }

  void drop_doomed(Frame& top) {
    std::vector<Owner> doomed = std::exchange(top.doomed, {});
    for (Owner& owner : doomed) {
      // One that is awaited may live until its delegator goes on.
      if (owner->delegator) {
        give_up();
      }
      drop(std::move(owner));
    }
  }

  void free(Frame& frame) {
    if (frame.awaiter) {
      frame.awaiter->delegate = nullptr;
      frame.awaiter->orphaned = true;
    }
    if (frame.delegate) {
      leave(*frame.delegate);
    }
    // Beyond some depth the stack has to be spared.
    if (++depth_ > 90) {
      give_up();
    }
    drop(std::move(frame.temporary));
    while (!frame.locals.empty()) {
      end_local(frame);
    }
    drop(std::exchange(frame.parameter, Holder()).generator);
    if (frame.guard) {
      die(*frame.guard);
    }
    --depth_;
  }

  void give_up() {
    if (!certain_lines_) {
      certain_lines_ = log_.lines().size();
      certain_complaints_ = complaints_.size();
    }
    fuel_ = 0;
  }

  // ---- Running

  /// What comes of resuming a generator: neither is the end.
  struct Step {
    std::optional<int> value;
    Error error;
  };

  static Outcome outcome(const Step& step) {
    return step.error ? fails(*step.error)
                      : Outcome{shown(step.value, "end"), {}};
  }

  static Frame& outermost(Frame& frame) {
    return frame.delegator ? outermost(*frame.delegator) : frame;
  }

  /// Runs `frame` by what `resume_it` does, and then drops whom that dropped.
  template <class Resume>
  Step operate(Frame& frame, Resume resume_it) {
    Frame& top = outermost(frame);
    if (top.running) {
      return {{}, executing};
    }
    top.running = true;
    Step step;
    step.value = resume_it();
    if (!step.value) {
      step.error = frame.error;
    }
    top.running = false;
    drop_doomed(top);
    return step;
  }

  Step step(Frame& frame, const In& in) {
    if (frame.done) {
      return {};
    }
    return operate(frame, [&] { return resume(frame, in); });
  }

  Step throw_into(Frame& frame, int number) {
    In in;
    in.thrown = number % 3 == 0 ? exit_text : "error " + std::to_string(number);
    if (frame.done) {
      return {{}, in.thrown};
    }
    return operate(frame, [&] {
      if (number % 3 != 0) {
        return resume(frame, in);
      }
      return run(frame, In{{}, close_delegate(frame)});
    });
  }

  Error close(Frame& frame) {
    if (frame.done) {
      return {};
    }
    Error error;
    const Step step = operate(frame, [&] {
      error = close_frame(frame);
      return Yielded();
    });
    return error ? error : step.error;
  }

  /// Returns what is to be thrown into the delegator then.
  Error close_delegate(Frame& frame) {
    Error error;
    if (is_delegating(frame)) {
      error = close_frame(*frame.delegate);
      leave(*frame.delegate);
    }
    return error ? error : exit_text;
  }

  /// Returns what goes wrong.
  Error close_frame(Frame& frame) {
    if (run(frame, In{{}, close_delegate(frame)})) {
      return ignored;
    }
    if (frame.error == exit_text) {
      frame.error = std::nullopt;
    }
    return frame.error;
  }

  static bool is_delegating(const Frame& frame) {
    return frame.delegate && !frame.delegate->done;
  }

  /// Nobody awaits it any more.
  void leave(Frame& delegate) {
    if (delegate.is_doomed && delegate.delegator) {
      give_up();
    }
    delegate.awaiter->delegate = nullptr;
    delegate.awaiter = nullptr;
    delegate.delegator = nullptr;
  }

  Yielded resume(Frame& frame, In in) {
    if (is_delegating(frame)) {
      if (const Yielded yielded = resume(*frame.delegate, in)) {
        return yielded;
      }
      in = In();
    }
    return run(frame, in);
  }

  /// Resumes the frame itself, at the operation where it is paused.
  Yielded run(Frame& frame, const In& in) {
    Error error = in.thrown;
    if (!frame.started) {
      frame.started = true;
      if (error) {
        finish(frame, error, std::nullopt);
        return {};
      }
      return perform_body(frame);
    }
    if ((*frame.body)[frame.position].kind != YIELD) {
      error = end_await(frame, in.thrown);
    } else if (!error) {
      log(frame.number, "has " + shown(in.sent, "None"));
    }
    return after_operation(frame, error) ? perform_body(frame) : Yielded();
  }

  // From the current operation on.
  Yielded perform_body(Frame& frame) {
    while (frame.position < frame.body->size() && burn()) {
      const Operation& operation = (*frame.body)[frame.position];
      if (operation.kind == YIELD) {
        return operation.number;
      }
      if (operation.kind == RETURN) {
        finish(frame, {}, operation.number);
        return {};
      }
      Error error;
      if (const Yielded yielded = perform(frame, operation, error)) {
        return yielded;
      }
      if (!after_operation(frame, error)) {
        return {};
      }
    }
    finish(frame, {}, 1000 + frame.number);
    return {};
  }

  /// Returns whether the frame goes on.
  bool after_operation(Frame& frame, const Error& error) {
    const Operation& operation = (*frame.body)[frame.position];
    if (error) {
      if (error == exit_text ? !operation.catches_exit
                             : !operation.catches_errors) {
        finish(frame, error, std::nullopt);
        return false;
      }
      log(frame.number, "caught " + *error);
    }
    ++frame.position;
    return true;
  }

  void finish(Frame& frame, const Error& error, std::optional<int> result) {
    while (!frame.locals.empty()) {
      end_local(frame);
    }
    frame.done = true;
    frame.error = error;
    frame.result = result;
    // Whether it goes now, or when the whole chain has stopped, is not said.
    if (frame.is_doomed && frame.delegator) {
      give_up();
    }
    frame.delegator = nullptr;
  }

  /// Returns what a delegate yields; or else sets what it throws.
  Yielded perform(Frame& frame, const Operation& operation, Error& error) {
    switch (operation.kind) {
      case AWAIT:
        return await(frame, slot(operation.slot), error);
      case AWAIT_PARAMETER:
        return await(frame, frame.parameter, error);
      case AWAIT_NEW: {
        Holder created =
            create(operation.body, operation.last_words, Holder());
        frame.temporary = std::move(created.generator);
        return await(frame, *frame.temporary, error);
      }
      case DRIVE_PARAMETER:
        error = drive_parameter(frame);
        break;
      case DROP_PARAMETER:
        assign(frame.parameter, Holder());
        break;
      case RAISE:
        error = "error " + std::to_string(operation.number);
        break;
      case LOCAL:
        frame.locals.push_back(Guard{guards_++, operation.last_words});
        break;
      case END_LOCAL:
        if (!frame.locals.empty()) {
          end_local(frame);
        }
        break;
      default:
        error = act(operation);
    }
    return {};
  }

  Error drive_parameter(Frame& frame) {
    if (!frame.parameter.exists) {
      return {};
    }
    if (!frame.parameter.generator) {
      return moved_from;
    }
    const Step next = step(*frame.parameter.generator, In());
    if (!next.error) {
      log(frame.number, "drives " + shown(next.value, "end"));
    }
    return next.error;
  }

  Yielded await(Frame& frame, Holder& holder, Error& error) {
    if (!holder.exists) {
      return {};
    }
    if (!holder.generator) {
      error = moved_from;
      return {};
    }
    return await(frame, *holder.generator, error);
  }

  Yielded await(Frame& frame, Frame& delegate, Error& error) {
    if (delegate.done) {
      error = take_result(frame, delegate);
    } else if (outermost(delegate).running) {
      error = executing;
    } else if (delegate.delegator) {
      error = awaited;
    } else {
      frame.delegate = &delegate;
      delegate.delegator = &frame;
      delegate.awaiter = &frame;
      if (const Yielded yielded = resume(delegate, In())) {
        return yielded;
      }
      error = end_await(frame, {});
    }
    return {};
  }

  // The delegate has ended, or something is thrown in here.
  Error end_await(Frame& frame, Error error) {
    if (std::exchange(frame.orphaned, false)) {
      error = error ? error : destroyed;
    }
    Frame* const delegate = frame.delegate;
    if (delegate) {
      leave(*delegate);
    }
    if (!error) {
      return take_result(frame, *delegate);
    }
    drop(std::move(frame.temporary));
    return error;
  }

  Error take_result(Frame& frame, Frame& delegate) {
    const std::optional<int> result =
        std::exchange(delegate.result, std::nullopt);
    Error error = delegate.error;
    if (!result && !error) {
      error = no_result;
    }
    drop(std::move(frame.temporary));
    if (!error) {
      log(frame.number, "awaited " + std::to_string(*result));
    }
    return error;
  }

  Holder slots_[slot_count];
  std::string complaints_;
  std::optional<std::size_t> certain_lines_;
  std::size_t certain_complaints_ = 0;
  int depth_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(
    const std::uint8_t* data,
    std::size_t size
) {
  const Script script(fuzz::Input(data, size));
  if (fuzz::verbose()) {
    script.print();
  }
  Model model(script);
  model.play();
  Real real(script);
  real.play();
  fuzz::compare(real.log(), model.log(), model.certain_lines());
  std::string complaints = real.complaints();
  std::string expected = model.complaints();
  if (model.certain_lines()) {
    complaints.resize(model.certain_complaints());
    expected.resize(model.certain_complaints());
  }
  if (Real::alive() != 0) {
    fuzz::fail(std::to_string(Real::alive()) + " guards are still alive");
  }
  if (complaints != expected) {
    fuzz::fail("said on stderr:\n" + complaints + "expected:\n" + expected);
  }
  return 0;
}
