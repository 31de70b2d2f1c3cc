// The C++ half of schedules.py, which says what a schedule is: reads scripts
// from stdin, runs each on a virtual clock, and prints what happens. What an
// instruction does is told in the same order as in schedule_model.py.
//
// Stage: 08
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "asyncio.hpp"

using namespace asyncio;

namespace {

// The same in schedules.py.
constexpr double ticks_per_second = 8;
constexpr int fuel_of_a_schedule = 250;
constexpr int most_tasks = 30;
constexpr int beat_ticks = 64;
constexpr int last_beat = 12;

// ---- Scripts -------------------------------------------------------------

struct Instruction {
  std::string operation;
  std::vector<std::string> words;
  std::vector<std::vector<Instruction>> blocks;

  std::string text() const {
    std::string line = operation;
    for (const std::string& word : words) {
      line += " " + word;
    }
    return line;
  }
};

using Block = std::vector<Instruction>;

struct Script {
  std::string name;
  std::string mode;
  std::map<std::string, Block> blocks;
};

bool is_compound(const std::string& operation) {
  return operation == "try" || operation == "timeout" || operation == "group";
}

/// The next line that is no comment, in words; empty at the end of the input.
std::vector<std::string> read_line(std::istream& in) {
  std::vector<std::string> words;
  for (std::string line; words.empty() && std::getline(in, line);) {
    std::istringstream stream(line);
    for (std::string word; stream >> word && word[0] != '#';) {
      words.push_back(word);
    }
  }
  return words;
}

/// Returns the word that ended it: "end" or "except".
std::string read_block(std::istream& in, Block& block) {
  for (;;) {
    std::vector<std::string> words = read_line(in);
    if (words.empty()) {
      throw std::runtime_error("a block without an end");
    }
    const std::string first = words.front();
    if (first == "end" || first == "except") {
      return first;
    }
    words.erase(words.begin());
    block.push_back(Instruction{first, std::move(words), {}});
    Instruction& added = block.back();
    std::string last = is_compound(first) ? "" : "end";
    while (last != "end") {
      added.blocks.emplace_back();
      last = read_block(in, added.blocks.back());
    }
  }
}

bool read_script(std::istream& in, Script& script) {
  for (;;) {
    const auto words = read_line(in);
    if (words.empty() || words[0] == "run") {
      return !words.empty();
    }
    if (words[0] == "schedule") {
      script.name = words.at(1);
    } else if (words[0] == "mode") {
      script.mode = words.at(1);
    } else {
      read_block(in, script.blocks[words[0]]);
    }
  }
}

// ---- What is told --------------------------------------------------------

struct Boom : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string told(const std::exception_ptr& error) {
  if (!error) {
    return "None";
  }
  try {
    std::rethrow_exception(error);
  } catch (const Boom& boom) {
    return std::string("Boom ") + boom.what();
  } catch (const CancelledError& cancelled) {
    return "Cancelled" + std::string(cancelled.message.empty() ? "" : " ") +
           cancelled.message;
  } catch (const ExceptionGroup& group) {
    std::string text = "Group(";
    for (const auto& each : group.exceptions()) {
      text += (text.back() == '(' ? "" : ", ") + told(each);
    }
    return text + ")";
  } catch (const InvalidStateError&) {
    return "InvalidState";
  } catch (const TimeoutError&) {
    return "Timeout";
  } catch (const KeyboardInterrupt&) {
    return "Interrupt";
  } catch (const std::invalid_argument&) {
    return "Value";
  } catch (const std::logic_error&) {
    return "Misuse";
  } catch (const std::runtime_error&) {
    return "Misuse";
  } catch (...) {
    return "unknown";
  }
}

std::string told(int value) { return std::to_string(value); }
std::string told(const std::string& text) { return text; }

template <class T>
std::string told(const Outcome<T>& outcome) {
  return outcome.exception ? told(outcome.exception) : told(outcome.value());
}

template <class T>
std::string told(const std::vector<T>& values) {
  std::string text = "[";
  for (const T& value : values) {
    text += (text.back() == '[' ? "" : " ") + told(value);
  }
  return text + "]";
}

template <class... T>
std::string told(const std::tuple<T...>& values) {
  return std::apply([](const T&... value) {
    return told(std::vector<std::string>{told(value)...});
  }, values);
}

std::string yes(bool value) { return value ? "True" : "False"; }

/// How a future stands.
std::string state_of(const AnyFuture& future) {
  if (future.cancelled()) {
    return "cancelled";
  }
  return future.done() ? "done" : "pending";
}

std::exception_ptr make_error(const std::vector<std::string>& words) {
  const std::string what = words.at(0);
  if (what == "cancelled") {
    return std::make_exception_ptr(
        CancelledError(words.size() > 1 ? words[1] : ""));
  }
  if (what == "interrupt") {
    return std::make_exception_ptr(KeyboardInterrupt());
  }
  if (what == "timeout") {
    return std::make_exception_ptr(TimeoutError());
  }
  return std::make_exception_ptr(Boom(what));
}

bool is_caught(const std::string& kind, const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError&) {
    return kind != "error";
  } catch (const std::exception&) {
    return kind != "cancelled";
  } catch (...) {
    return kind == "any";
  }
}

std::optional<Seconds> delay_of(const std::string& word) {
  if (word == "none") {
    return std::nullopt;
  }
  return Seconds(std::stoi(word) / ticks_per_second);
}

// ---- The world of a schedule ---------------------------------------------

using Ints = std::vector<int>;
using Outcomes = std::vector<Outcome<int>>;

/// What a variable holds.
using Slot = std::variant<
    std::monostate,
    Future<int>,
    Task<int>,
    Future<Ints>,
    Future<Outcomes>,
    Future<std::vector<Ints>>,
    Future<std::tuple<>>,
    Future<std::tuple<int>>,
    Future<std::tuple<int, int>>,
    Future<std::tuple<Outcome<int>, Outcome<int>>>>;

struct Variable {
  Slot slot;
  /// Whether it came from create_future.
  bool plain = false;
};

template <class T>
constexpr bool is_nothing = std::is_same_v<T, std::monostate>;

AnyFuture any_of(const Slot& slot) {
  return std::visit([]<class T>(const T& future) {
    if constexpr (is_nothing<T>) {
      return AnyFuture();
    } else {
      return AnyFuture(future);
    }
  }, slot);
}

struct Registration {
  AnyFuture future;
  std::uint64_t id = 0;
};

using AnyHandle = std::variant<std::monostate, Handle, TimerHandle>;

/// What as_completed gives, and the first that it has given.
struct Iteration {
  Generator<Coroutine<int>> generator;
  std::optional<Coroutine<int>> first;
};

/// What runs an instruction: which coroutine or callback, and what that has
/// caught.
struct Context {
  Context(std::string name, bool task) : who(std::move(name)), in_task(task) {}

  std::string who;
  bool in_task;
  std::exception_ptr caught;
};

class World {
 public:
  explicit World(const Script& script) : script_(script) {}

  void run() {
    if (script_.mode == "runner") {
      run_by_runner();
    } else {
      run_by_loop();
    }
  }

 private:
  using Words = std::vector<std::string>;
  using Returned = std::optional<int>;

  // -- From outside

  void prepare(EventLoop& loop) {
    loop_ = &loop;
    loop.use_virtual_clock();
    loop.set_exception_handler(
        [this](const std::string& message, std::exception_ptr error) {
          report(message, error);
        });
    call_beat();
  }

  void call_beat() {
    const Seconds delay(beat_ticks / ticks_per_second);
    loop_->call_later(delay, [this] { beat(); });
  }

  void run_by_loop() {
    EventLoop loop;
    prepare(loop);
    const Task<int> main = create_task(routine("c0"), loop, "main");
    variables_["main"].slot = main;
    while (!main.done() && !over_) {
      attempt("main", [&] { return told(loop.run_until_complete(main)); });
    }
    main_done_ = true;
    while (!over_) {
      attempt("forever", [&] {
        loop.run_forever();
        return std::string("stopped");
      });
    }
    say("driver", std::to_string(all_tasks(loop).size()) + " stuck");
    attempt("close", [&] {
      loop.close();
      return std::string();
    });
    run_after();
    clear();
  }

  /// What the closed loop is asked, unless a coroutine was stuck.
  void run_after() {
    const Context context("after", false);
    for (const Instruction& each : block("after")) {
      if (live_ == 0) {
        run_sync(each, context);
      }
    }
  }

  void run_by_runner() {
    Runner runner;
    prepare(runner.get_loop());
    attempt("run", [&] { return told(runner.run(routine("c0"))); });
    if (script_.mode == "runner2") {
      attempt("run", [&] { return told(runner.run(routine("c1"))); });
    }
    main_done_ = true;
    attempt("close", [&] {
      runner.close();
      return std::string();
    });
    say("driver", "closed: " + yes(loop_->is_closed()));
    run_after();
    clear();
  }

  template <class Call>
  void attempt(const std::string& what, Call call) {
    std::string text;
    try {
      text = call();
    } catch (...) {
      text = "! " + told(std::current_exception());
    }
    say("driver", what + ": " + text);
  }

  /// Wakes whoever would wait for ever, and sees when all is over.
  void beat() {
    ++beats_;
    const auto tasks = all_tasks(*loop_);
    say("beat", std::to_string(tasks.size()));
    over_ = beats_ == last_beat || (main_done_ && tasks.empty());
    if (over_) {
      loop_->stop();
      return;
    }
    for (const Future<int>& future : made_) {
      if (!future.done()) {
        future.set_result(beats_);
      }
    }
    for (const AnyTask& task : tasks) {
      if (beats_ > 2 && !task.done()) {
        cancel("beat", task, "");
      }
    }
    call_beat();
  }

  /// Lets go of everything, and tells what nobody has asked for.
  void clear() {
    quiet_ = true;
    if (other_loop_) {
      other_loop_->close();
    }
    variables_.clear();
    iterations_.clear();
    groups_.clear();
    timeouts_.clear();
    registrations_.clear();
    made_.clear();
    attic_.clear();
    std::sort(unretrieved_.begin(), unretrieved_.end());
    for (const std::string& each : unretrieved_) {
      std::printf("end %s\n", each.c_str());
    }
  }

  void report(std::string message, const std::exception_ptr& error) {
    const bool unretrieved = message.ends_with(" was never retrieved");
    message += error ? ": " + told(error) : "";
    if (unretrieved) {
      unretrieved_.push_back(message);
    } else if (message != "Task was destroyed but it is pending!") {
      // Those that are stuck are told already.
      say("loop", message);
    }
  }

  // -- Telling

  int ticks(Seconds time) const {
    return static_cast<int>(std::lround(time.count() * ticks_per_second));
  }

  void say(const std::string& who, const std::string& text) {
    if (!quiet_) {
      const int now = ticks(loop_->time());
      std::printf("%d %s %s\n", now, who.c_str(), text.c_str());
    }
  }

  void say(const Context& context, const Instruction& instruction,
           const std::string& text) {
    say(context.who, instruction.text() + ": " + text);
  }

  // -- Coroutines and callbacks

  Coroutine<int> routine(std::string number) {
    Context context(number + "." + std::to_string(++started_), true);
    ++live_;
    say(context.who, "begins");
    Returned returned;
    try {
      returned = co_await run_block(&block(number), &context);
    } catch (const GeneratorExit&) {
      throw;
    } catch (...) {
      --live_;
      say(context.who, "raises " + told(std::current_exception()));
      throw;
    }
    --live_;
    const int result = returned.value_or(0);
    say(context.who, "returns " + told(result));
    co_return result;
  }

  const Block& block(const std::string& name) const {
    static const Block nothing;
    const auto found = script_.blocks.find(name);
    return found == script_.blocks.end() ? nothing : found->second;
  }

  bool burn() { return fuel_ > 0 && fuel_-- > 0; }

  Coroutine<Returned> run_block(const Block* block, Context* context) {
    for (const Instruction& each : *block) {
      if (!burn()) {
        co_return 0;
      }
      if (each.operation == "return") {
        co_return std::stoi(each.words.at(0));
      }
      Returned returned;
      if (is_compound(each.operation)) {
        returned = co_await run_compound(&each, context);
      } else if (is_pausing(each.operation)) {
        co_await run_pausing(&each, context);
      } else {
        run_sync(each, *context);
      }
      if (returned) {
        co_return returned;
      }
    }
    co_return std::nullopt;
  }

  Coroutine<Returned> run_compound(const Instruction* it, Context* context) {
    if (it->operation == "try") {
      co_return co_await run_try(it, context);
    }
    say(*context, *it, "enters");
    Returned returned;
    try {
      if (it->operation == "group") {
        const auto group = std::make_shared<TaskGroup>();
        keep(groups_, it->words.at(0), group);
        returned = co_await async_with(
            *group, run_block(&it->blocks.at(0), context));
      } else {
        const auto limit =
            std::make_shared<Timeout>(timeout(delay_of(it->words.at(1))));
        keep(timeouts_, it->words.at(0), limit);
        returned = co_await async_with(
            *limit, run_block(&it->blocks.at(0), context));
      }
    } catch (const GeneratorExit&) {
      throw;
    } catch (...) {
      say(*context, *it, "! " + told(std::current_exception()));
      throw;
    }
    say(*context, *it, "leaves");
    co_return returned;
  }

  Coroutine<Returned> run_try(const Instruction* it, Context* context) {
    std::exception_ptr error;
    Returned returned;
    try {
      returned = co_await run_block(&it->blocks.at(0), context);
    } catch (const GeneratorExit&) {
      throw;
    } catch (...) {
      error = std::current_exception();
    }
    if (!error) {
      co_return returned;
    }
    if (!is_caught(it->words.at(0), error)) {
      std::rethrow_exception(error);
    }
    say(*context, *it, "caught " + told(error));
    Context handler(context->who, context->in_task);
    handler.caught = error;
    co_return co_await run_block(&it->blocks.at(1), &handler);
  }

  void call(const std::string& number, const std::string& argument) {
    Context context(number + "." + std::to_string(++started_), false);
    say(context.who, "begins" + argument);
    for (const Instruction& each : block(number)) {
      if (burn()) {
        run_sync(each, context);
      }
    }
  }

  // -- Instructions that pause

  static bool is_pausing(const std::string& operation) {
    return operation == "sleep" || operation == "await" ||
           operation == "wait" || operation == "waitfor" ||
           operation == "waitforc" || operation == "next" ||
           operation == "awaitany";
  }

  Coroutine<> run_pausing(const Instruction* it, Context* context) {
    std::string text;
    try {
      text = co_await pause(it);
    } catch (const GeneratorExit&) {
      throw;
    } catch (...) {
      say(*context, *it, "! " + told(std::current_exception()));
      throw;
    }
    say(*context, *it, text);
  }

  Coroutine<std::string> pause(const Instruction* it) {
    const Words& words = it->words;
    if (it->operation == "sleep" && words.size() > 1) {
      co_return told(co_await asyncio::sleep(
          *delay_of(words.at(0)), std::stoi(words.at(1))));
    }
    if (it->operation == "sleep") {
      co_await asyncio::sleep(*delay_of(words.at(0)));
      co_return "";
    }
    if (it->operation == "awaitany") {
      co_return co_await wait_for_any(find(words.at(0)));
    }
    if (it->operation == "wait") {
      co_return co_await wait_for_some(words);
    }
    if (it->operation == "next") {
      co_return co_await next(words.at(0));
    }
    if (it->operation == "waitforc") {
      if (is_full()) {
        co_return "full";
      }
      co_return told(co_await wait_for(
          routine(words.at(0)), delay_of(words.at(1))));
    }
    const Slot slot = variables_[words.at(0)].slot;
    if (it->operation == "waitfor") {
      co_return co_await wait_for_slot(slot, delay_of(words.at(1)));
    }
    co_return co_await std::visit([]<class T>(const T& future) {
      return result_of(future);
    }, slot);
  }

  template <class T>
  static Coroutine<std::string> result_of(T future) {
    if constexpr (is_nothing<T>) {
      co_return "none";
    } else {
      co_return told(co_await future);
    }
  }

  static Coroutine<std::string> wait_for_any(AnyFuture future) {
    if (!future) {
      co_return "none";
    }
    co_await future;
    co_return "";
  }

  static Coroutine<std::string> wait_for_slot(
      Slot slot,
      std::optional<Seconds> delay
  ) {
    if (const auto* future = std::get_if<Future<int>>(&slot)) {
      co_return told(co_await wait_for(*future, delay));
    }
    if (const auto* task = std::get_if<Task<int>>(&slot)) {
      co_return told(co_await wait_for(*task, delay));
    }
    if (const auto* ints = std::get_if<Future<Ints>>(&slot)) {
      co_return told(co_await wait_for(*ints, delay));
    }
    co_return "none";
  }

  Coroutine<std::string> wait_for_some(Words words) {
    const std::string when = words.at(0);
    const auto delay = delay_of(words.at(1));
    const auto return_when = when == "first"       ? FIRST_COMPLETED
                             : when == "exception" ? FIRST_EXCEPTION
                                                   : ALL_COMPLETED;
    std::vector<AnyFuture> futures;
    std::vector<Task<int>> tasks;
    std::map<std::string, AnyFuture> names;
    Words order;
    for (std::size_t i = 2; i < words.size(); ++i) {
      const Slot& one = variables_[words[i]].slot;
      const AnyFuture future = any_of(one);
      if (future && names.insert({words[i], future}).second) {
        futures.push_back(future);
        order.push_back(words[i]);
      }
      if (const auto* task = std::get_if<Task<int>>(&one)) {
        tasks.push_back(*task);
      }
    }
    if (tasks.size() == words.size() - 2) {
      const auto waited = co_await asyncio::wait(tasks, return_when, delay);
      co_return told_waited(waited, order, names);
    }
    if (order.size() == 2 && when == "all" && !delay) {
      const auto both =
          co_await asyncio::wait(names.at(order[0]), names.at(order[1]));
      co_return told_waited(both, order, names);
    }
    const auto waited = co_await asyncio::wait(futures, return_when, delay);
    co_return told_waited(waited, order, names);
  }

  template <class T>
  static std::string told_waited(
      const Waited<T>& waited,
      const Words& order,
      const std::map<std::string, AnyFuture>& names
  ) {
    Words done;
    for (const std::string& name : order) {
      for (const T& each : waited.done) {
        if (AnyFuture(each) == names.at(name)) {
          done.push_back(name);
        }
      }
    }
    return std::to_string(waited.done.size()) + " done, " +
           std::to_string(waited.pending.size()) + " pending: " + told(done);
  }

  Coroutine<std::string> next(std::string name) {
    const auto iteration = iterations_[name];
    if (!iteration) {
      co_return "none";
    }
    auto one = std::exchange(iteration->first, std::nullopt);
    if (!one) {
      one = iteration->generator.next();
    }
    if (!one) {
      co_return "exhausted";
    }
    co_return told(co_await *one);
  }

  // -- Instructions that do not

  void run_sync(const Instruction& it, const Context& context) {
    if (it.operation == "raise") {
      say(context, it, "");
      std::rethrow_exception(make_error(it.words));
    }
    if (it.operation == "reraise") {
      say(context, it, context.caught ? "" : "none");
      if (context.caught) {
        std::rethrow_exception(context.caught);
      }
      return;
    }
    std::string text;
    try {
      text = operations().at(it.operation)(*this, it.words);
    } catch (...) {
      text = "! " + told(std::current_exception());
    }
    say(context, it, text);
  }

  using Operation = std::string (*)(World&, const Words&);

  static const std::map<std::string, Operation>& operations() {
    static const std::map<std::string, Operation> all{
        {"future", future},
        {"spawn", spawn},
        {"gspawn", spawn_in_group},
        {"state", state},
        {"result", result},
        {"exception", exception},
        {"cancel", cancel_one},
        {"cancelling", cancelling},
        {"uncancel", uncancel},
        {"set", set},
        {"fail", fail},
        {"addcb", add_callback},
        {"rmcb", remove_callback},
        {"soon", soon},
        {"later", later},
        {"hcancel", cancel_handle},
        {"hstate", state_of_handle},
        {"stop", stop},
        {"close", close_loop},
        {"nested", run_nested},
        {"foreign", foreign},
        {"gather", gather_some},
        {"gather0", gather_none},
        {"gather1", gather_one},
        {"gatherc", gather_coroutines},
        {"gatherm", gather_mixed},
        {"shield", shield_one},
        {"shieldc", shield_coroutine},
        {"iter", iterate},
        {"reschedule", reschedule},
        {"ostate", state_of_timeout},
        {"repr", represent},
        {"tasks", count_tasks},
        {"current", current},
        {"drop", drop},
    };
    return all;
  }

  template <class T>
  void keep(std::map<std::string, std::shared_ptr<T>>& all,
            const std::string& name, std::shared_ptr<T> added) {
    attic_.push_back(std::exchange(all[name], std::move(added)));
  }

  void assign(const std::string& name, Slot slot, bool plain = false) {
    Variable& variable = variables_[name];
    attic_.push_back(std::make_shared<Slot>(std::move(variable.slot)));
    variable.slot = std::move(slot);
    variable.plain = plain;
  }

  const Slot& slot(const std::string& name) { return variables_[name].slot; }

  /// What a name stands for; "me" is the task that asks.
  AnyFuture find(const std::string& name) {
    return name == "me" ? find_task(name) : any_of(slot(name));
  }

  AnyTask find_task(const std::string& name) {
    if (name == "me") {
      return current_task();
    }
    const auto* task = std::get_if<Task<int>>(&slot(name));
    return task ? AnyTask(*task) : AnyTask();
  }

  static std::string future(World& world, const Words& words) {
    const auto made = world.loop_->create_future<int>();
    world.made_.push_back(made);
    world.assign(words.at(0), made, true);
    return "";
  }

  static std::string foreign(World& world, const Words& words) {
    if (!world.other_loop_) {
      world.other_loop_.emplace();
      world.other_loop_->set_exception_handler(
          [&world](const std::string& message, std::exception_ptr error) {
            world.report(message, error);
          });
    }
    world.assign(words.at(0), world.other_loop_->create_future<int>(), true);
    return "";
  }

  static std::string close_loop(World& world, const Words&) {
    world.loop_->close();
    return "";
  }

  static std::string run_nested(World& world, const Words& words) {
    return std::visit([&]<class T>(const T& one) -> std::string {
      if constexpr (is_nothing<T>) {
        return "none";
      } else {
        return told(world.loop_->run_until_complete(one));
      }
    }, world.slot(words.at(0)));
  }

  bool is_full() { return ++tasks_ > most_tasks; }

  static std::string spawn(World& world, const Words& words) {
    if (world.is_full()) {
      return "full";
    }
    world.assign(words.at(0), create_task(
        world.routine(words.at(1)), *world.loop_, "n" + words.at(0)));
    return "";
  }

  static std::string spawn_in_group(World& world, const Words& words) {
    const auto group = world.groups_[words.at(0)];
    if (!group || world.is_full()) {
      return group ? "full" : "none";
    }
    world.assign(words.at(1), group->create_task(
        world.routine(words.at(2)), "n" + words.at(1)));
    return "";
  }

  static std::string state(World& world, const Words& words) {
    const AnyFuture found = world.find(words.at(0));
    return found ? state_of(found) : "none";
  }

  static std::string result(World& world, const Words& words) {
    return std::visit([]<class T>(const T& one) -> std::string {
      if constexpr (is_nothing<T>) {
        return "none";
      } else {
        return told(one.result());
      }
    }, world.slot(words.at(0)));
  }

  static std::string exception(World& world, const Words& words) {
    const AnyFuture found = world.find(words.at(0));
    return found ? told(found.exception()) : "none";
  }

  static std::string cancel_one(World& world, const Words& words) {
    const AnyFuture found = world.find(words.at(0));
    const std::string message = words.size() > 1 ? words[1] : "";
    return found ? yes(found.cancel(message)) : "none";
  }

  void cancel(const std::string& who, const AnyFuture& it,
              const std::string& message) {
    try {
      it.cancel(message);
    } catch (...) {
      say(who, "cancel ! " + told(std::current_exception()));
    }
  }

  static std::string cancelling(World& world, const Words& words) {
    const AnyTask task = world.find_task(words.at(0));
    return task ? told(task.cancelling()) : "none";
  }

  static std::string uncancel(World& world, const Words& words) {
    const AnyTask task = world.find_task(words.at(0));
    return task ? told(task.uncancel()) : "none";
  }

  /// Calls `act` with a future from create_future, or with a task.
  template <class Act>
  std::string with_settable(const std::string& name, Act act) {
    const Variable& variable = variables_[name];
    if (const auto* task = std::get_if<Task<int>>(&variable.slot)) {
      act(*task);
      return "";
    }
    if (variable.plain) {
      act(std::get<Future<int>>(variable.slot));
      return "";
    }
    return "none";
  }

  static std::string set(World& world, const Words& words) {
    return world.with_settable(words.at(0), [&](const Future<int>& one) {
      one.set_result(std::stoi(words.at(1)));
    });
  }

  static std::string fail(World& world, const Words& words) {
    return world.with_settable(words.at(0), [&](const Future<int>& one) {
      one.set_exception(make_error({words.begin() + 1, words.end()}));
    });
  }

  static std::string add_callback(World& world, const Words& words) {
    const std::string number = words.at(2);
    const auto callback = [&world, number](const AnyFuture& done) {
      world.call(number, " with one that is " + state_of(done));
    };
    Registration added;
    added.future = world.find(words.at(1));
    if (!added.future) {
      return "none";
    }
    added.id = words.at(1) == "me"
                   ? added.future.add_done_callback(callback)
                   : add_callback_to(world.slot(words.at(1)), callback);
    world.registrations_[words.at(0)] = added;
    return "";
  }

  template <class Callback>
  static std::uint64_t add_callback_to(
      const Slot& slot,
      const Callback& callback
  ) {
    return std::visit([&]<class T>(const T& one) -> std::uint64_t {
      if constexpr (is_nothing<T>) {
        return 0;
      } else {
        return one.add_done_callback(callback);
      }
    }, slot);
  }

  static std::string remove_callback(World& world, const Words& words) {
    const Registration& added = world.registrations_[words.at(0)];
    if (!added.future) {
      return "none";
    }
    return std::to_string(added.future.remove_done_callback(added.id));
  }

  static std::string soon(World& world, const Words& words) {
    const std::string number = words.at(1);
    world.handles_[words.at(0)] = world.loop_->call_soon([&world, number] {
      world.call(number, "");
    });
    return "";
  }

  static std::string later(World& world, const Words& words) {
    const std::string number = words.at(2);
    world.handles_[words.at(0)] = world.loop_->call_later(
        *delay_of(words.at(1)), [&world, number] { world.call(number, ""); });
    return "";
  }

  static std::string cancel_handle(World& world, const Words& words) {
    AnyHandle& handle = world.handles_[words.at(0)];
    return std::visit([]<class T>(T& one) -> std::string {
      if constexpr (is_nothing<T>) {
        return "none";
      } else {
        one.cancel();
        return "";
      }
    }, handle);
  }

  static std::string state_of_handle(World& world, const Words& words) {
    const AnyHandle& handle = world.handles_[words.at(0)];
    if (const auto* timer = std::get_if<TimerHandle>(&handle)) {
      return yes(timer->cancelled()) + " " +
             std::to_string(world.ticks(timer->when()));
    }
    const auto* call = std::get_if<Handle>(&handle);
    return call ? yes(call->cancelled()) : "none";
  }

  static std::string stop(World& world, const Words&) {
    world.loop_->stop();
    return "";
  }

  // The first of them says what is gathered: numbers, or lists of them.
  static std::string gather_some(World& world, const Words& words) {
    std::vector<Future<int>> numbers;
    std::vector<Task<int>> tasks;
    std::vector<Future<Ints>> lists;
    for (std::size_t i = 2; i < words.size(); ++i) {
      const Slot& each = world.slot(words[i]);
      if (const auto* task = std::get_if<Task<int>>(&each)) {
        tasks.push_back(*task);
        numbers.push_back(*task);
      } else if (const auto* one = std::get_if<Future<int>>(&each)) {
        numbers.push_back(*one);
      } else if (const auto* list = std::get_if<Future<Ints>>(&each)) {
        lists.push_back(*list);
      }
    }
    const bool outcomes = words.at(1) == "outcomes";
    if (!lists.empty() && numbers.empty()) {
      world.assign(words.at(0), gather(lists));
    } else if (outcomes && tasks.size() == numbers.size()) {
      world.assign(words.at(0), gather(return_exceptions, tasks));
    } else if (outcomes) {
      world.assign(words.at(0), gather(return_exceptions, numbers));
    } else if (tasks.size() == numbers.size()) {
      world.assign(words.at(0), gather(tasks));
    } else {
      world.assign(words.at(0), gather(numbers));
    }
    return "";
  }

  static std::string gather_none(World& world, const Words& words) {
    world.assign(words.at(0), gather());
    return "";
  }

  static std::string gather_one(World& world, const Words& words) {
    const Slot one = world.slot(words.at(1));
    if (const auto* task = std::get_if<Task<int>>(&one)) {
      world.assign(words.at(0), gather(*task));
    } else if (const auto* number = std::get_if<Future<int>>(&one)) {
      world.assign(words.at(0), gather(*number));
    } else {
      return "none";
    }
    return "";
  }

  static std::string gather_coroutines(World& world, const Words& words) {
    std::vector<Coroutine<int>> coroutines;
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (world.is_full()) {
        return "full";
      }
      coroutines.push_back(world.routine(words[i]));
    }
    if (words.at(1) == "outcomes") {
      world.assign(words.at(0),
                   gather(return_exceptions, std::move(coroutines)));
    } else {
      world.assign(words.at(0), gather(std::move(coroutines)));
    }
    return "";
  }

  static std::string gather_mixed(World& world, const Words& words) {
    const Slot one = world.slot(words.at(2));
    const auto* number = std::get_if<Future<int>>(&one);
    if (!number || world.is_full()) {
      return number ? "full" : "none";
    }
    if (words.at(1) == "outcomes") {
      world.assign(words.at(0), gather(return_exceptions, *number,
                                       world.routine(words.at(3))));
    } else {
      world.assign(words.at(0),
                   gather(world.routine(words.at(3)), *number));
    }
    return "";
  }

  static std::string shield_one(World& world, const Words& words) {
    const Slot one = world.slot(words.at(1));
    if (const auto* task = std::get_if<Task<int>>(&one)) {
      world.assign(words.at(0), shield(*task));
    } else if (const auto* number = std::get_if<Future<int>>(&one)) {
      world.assign(words.at(0), shield(*number));
    } else if (const auto* list = std::get_if<Future<Ints>>(&one)) {
      world.assign(words.at(0), shield(*list));
    } else {
      return "none";
    }
    return "";
  }

  static std::string shield_coroutine(World& world, const Words& words) {
    if (world.is_full()) {
      return "full";
    }
    world.assign(words.at(0), shield(world.routine(words.at(1))));
    return "";
  }

  // One at most that is done already: their order is not CPython's.
  static std::string iterate(World& world, const Words& words) {
    std::vector<Future<int>> futures;
    bool one_is_done = false;
    for (std::size_t i = 2; i < words.size(); ++i) {
      const Slot& each = world.slot(words[i]);
      std::optional<Future<int>> found;
      if (const auto* task = std::get_if<Task<int>>(&each)) {
        found = *task;
      } else if (const auto* one = std::get_if<Future<int>>(&each)) {
        found = *one;
      }
      if (found && !(found->done() && std::exchange(one_is_done, true))) {
        futures.push_back(*found);
      }
    }
    const auto added = std::make_shared<Iteration>(Iteration{
        as_completed(futures, delay_of(words.at(1))), std::nullopt});
    world.keep(world.iterations_, words.at(0), added);
    added->first = added->generator.next();
    return "";
  }

  static std::string reschedule(World& world, const Words& words) {
    const auto found = world.timeouts_[words.at(0)];
    if (!found) {
      return "none";
    }
    auto when = delay_of(words.at(1));
    if (when) {
      *when += world.loop_->time();
    }
    found->reschedule(when);
    return "";
  }

  static std::string state_of_timeout(World& world, const Words& words) {
    const auto found = world.timeouts_[words.at(0)];
    if (!found) {
      return "none";
    }
    const auto when = found->when();
    return yes(found->expired()) + " " +
           (when ? std::to_string(world.ticks(*when)) : "None");
  }

  static std::string represent(World& world, const Words& words) {
    const AnyFuture found = world.find(words.at(0));
    return found ? to_string(found) : "none";
  }

  static std::string count_tasks(World& world, const Words&) {
    std::vector<std::string> names;
    for (const AnyTask& task : all_tasks(*world.loop_)) {
      const std::string name = task.get_name();
      names.push_back(name.starts_with("Task-") ? "Task" : name);
    }
    return told(names);
  }

  static std::string current(World&, const Words&) {
    const AnyTask task = current_task();
    if (!task) {
      return "None";
    }
    const std::string name = task.get_name();
    return name.starts_with("Task-") ? "Task" : name;
  }

  static std::string drop(World& world, const Words& words) {
    Variable& variable = world.variables_[words.at(0)];
    const AnyFuture found = any_of(variable.slot);
    if (!found || !found.done()) {
      return "none";
    }
    variable = Variable();
    return "";
  }

  const Script& script_;
  /// Nobody runs it.
  std::optional<EventLoop> other_loop_;
  EventLoop* loop_ = nullptr;
  std::map<std::string, Variable> variables_;
  std::map<std::string, Registration> registrations_;
  std::map<std::string, AnyHandle> handles_;
  std::map<std::string, std::shared_ptr<TaskGroup>> groups_;
  std::map<std::string, std::shared_ptr<Timeout>> timeouts_;
  std::map<std::string, std::shared_ptr<Iteration>> iterations_;
  /// What no name stands for any more: it lives as long as in Python's half.
  std::vector<std::shared_ptr<void>> attic_;
  std::vector<Future<int>> made_;
  std::vector<std::string> unretrieved_;
  int fuel_ = fuel_of_a_schedule;
  int started_ = 0;
  /// Coroutines that have begun and not ended.
  int live_ = 0;
  int tasks_ = 0;
  int beats_ = 0;
  bool main_done_ = false;
  bool over_ = false;
  bool quiet_ = false;
};

}  // namespace

/// schedules [PATIENCE]: so many seconds after it has begun a schedule counts
/// as hanging. If that is given, each line is seen at once, should the program
/// crash.
int main(int argc, char** argv) {
  const int patience = argc > 1 ? std::stoi(argv[1]) : 20;
  if (argc > 1) {
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  }
  for (;;) {
    Script script;
    if (!read_script(std::cin, script)) {
      return 0;
    }
    std::printf("== %s\n", script.name.c_str());
    std::fflush(stdout);
    alarm(static_cast<unsigned>(patience));
    World(script).run();
    std::printf("== end\n");
    std::fflush(stdout);
  }
}
