// Timers and calls of an event loop on its virtual clock, against a
// std::multimap. Callbacks, and the destructors of what they capture, ask for
// more, cancel others and themselves, stop the loop and throw.
//
// A script is a table of bodies and a main body. Each is a list of operations;
// an operation that asks for a call says which body that call runs, and which
// body runs when its captures die.

#include <cmath>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "event_loop.hpp"
#include "fuzz.hpp"

namespace asyncio {

// Stages 04 and 05 have none.
struct KeyboardInterrupt;

}  // namespace asyncio

namespace {

template <class T>
concept Complete = requires { sizeof(T); };

template <class Interrupt>
void interrupt() {
  if constexpr (Complete<Interrupt>) {
    throw Interrupt();
  }
}

template <class Interrupt>
bool is_interrupt(const std::exception_ptr& error) {
  if constexpr (Complete<Interrupt>) {
    try {
      std::rethrow_exception(error);
    } catch (const Interrupt&) {
      return true;
    } catch (...) {
    }
  }
  return false;
}

// ---- The script ----------------------------------------------------------

enum Kind {
  CALL_SOON,
  CALL_LATER,
  CALL_AT,
  BURST,
  CANCEL_TIMER,
  CANCEL_CALL,
  CANCEL_MANY,
  DROP_TIMER,
  LOOK_AT_CALL,
  LOOK_AT_TIMER,
  LOOK_AT_CLOCK,
  ADVANCE,
  RUN_ONCE,
  RUN_UNTIL_IDLE,
  RUN_FOREVER,
  STOP,
  THROW,
  INTERRUPT,
  CLOSE,
  KINDS,
};

struct Operation {
  Kind kind;
  int number;
  int body;
  int last_words;
};

using Body = std::vector<Operation>;

const char* name(Kind kind) {
  static const char* const names[] = {
      "call_soon",      "call_later",  "call_at",     "burst",
      "cancel",         "cancel call", "cancel many", "drop",
      "call",           "timer",       "time",        "advance",
      "run_once",       "run_until_idle", "run_forever", "stop",
      "throw",          "interrupt",   "close",
  };
  return names[kind];
}

struct Script {
  explicit Script(fuzz::Input input) {
    bodies.resize(static_cast<std::size_t>(1 + input.below(6)));
    for (Body& body : bodies) {
      for (int left = input.below(6); left > 0; --left) {
        body.push_back(operation(input));
      }
    }
    while (!input.empty() && main.size() < 200) {
      main.push_back(operation(input));
    }
  }

  static Operation operation(fuzz::Input& input) {
    const auto kind = static_cast<Kind>(input.below(KINDS));
    const int number = input.byte();
    const int two_bodies = input.byte();
    return {kind, number, two_bodies % 16, two_bodies / 16};
  }

  void print() const {
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      print("body " + std::to_string(i), bodies[i]);
    }
    print("main", main);
  }

  static void print(const std::string& title, const Body& body) {
    ::dprintf(STDERR_FILENO, "%s:\n", title.c_str());
    for (const Operation& operation : body) {
      ::dprintf(
          STDERR_FILENO,
          "  %s, number %d, body %d, last words %d\n",
          name(operation.kind),
          operation.number,
          operation.body,
          operation.last_words
      );
    }
  }

  std::vector<Body> bodies;
  Body main;
};

double seconds(int number) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr double odd[] = {
      0.1,  0.3,    0.7, 1e-9,   1e9,   1e300, inf, -inf, -1,
      -0.0, 1e-300, NAN, 1. / 3, 86400, 100.1, 1e-3,
  };
  if (number >= 240) {
    return odd[number - 240];
  }
  return (number % 16) * 0.25;
}

std::string text(double number) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.17g", number);
  return buffer;
}

// ---- Callbacks -----------------------------------------------------------

class Player;

/// What a callback captures: it runs one body when it is called and another
/// one when it dies.
class Part {
 public:
  static inline int alive = 0;

  Part(Player& player, int number, const Operation& operation)
      : player_(player), number_(number), operation_(operation) {
    ++alive;
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;
  ~Part();

  void call();

  /// Whether it was asked for by what died with the loop.
  bool is_late() const { return number_ < 0; }

  /// Whether it keeps the handle of its own timer.
  bool keeps_its_handle() const { return (operation_.number & 16) != 0; }
  std::shared_ptr<void> handle;

 private:
  Player& player_;
  const int number_;
  const Operation operation_;
};

using Call = std::shared_ptr<Part>;

/// The loop, or its model.
class Loop {
 public:
  virtual ~Loop() = default;
  virtual void call_soon(Call call) = 0;
  virtual void call_later(double delay, Call call) = 0;
  virtual void call_at(double when, Call call) = 0;
  virtual std::size_t calls() const = 0;
  virtual std::size_t timers() const = 0;
  virtual void cancel_call(std::size_t place) = 0;
  virtual void cancel_timer(std::size_t place) = 0;
  virtual void drop_timer(std::size_t place) = 0;
  virtual bool is_call_cancelled(std::size_t place) const = 0;
  virtual bool is_timer_cancelled(std::size_t place) const = 0;
  virtual double when(std::size_t place) const = 0;
  virtual double time() const = 0;
  virtual void advance(double delay) = 0;
  virtual void run_once() = 0;
  virtual void run_until_idle() = 0;
  virtual void run_forever(double stop_after) = 0;
  virtual void stop() = 0;
  virtual void close() = 0;
};

// ---- Who carries a script out --------------------------------------------

class Player {
 public:
  Player(const Script& script, bool is_model)
      : script_(script), is_model_(is_model) {}

  void play(std::unique_ptr<Loop> loop) {
    loop_ = loop.get();
    for (const Operation& operation : script_.main) {
      perform(operation, false);
    }
    // Its destructor closes it.
    closed_ = true;
    loop.reset();
  }

  void call(int number, int body) {
    if (closed_) {
      fuzz::fail("a closed loop has made a call");
    }
    log("call", number);
    perform_all(body, true);
  }

  // A handle may keep what a loop has dropped: when that dies is not compared.
  // What it asks a closing or closed loop for must do no harm.
  void last_words(int number, int body) {
    if (!closed_) {
      log("dies", number);
      perform_all(body, false);
    } else if (!is_model_ && !gone_) {
      const bool outer = std::exchange(quiet_, true);
      perform_all(body, false);
      quiet_ = outer;
    }
  }

  /// The loop does not exist any more.
  void gone() { gone_ = true; }

  void report(const std::string& error) { reports_.add("report " + error); }

  const fuzz::Log& log() const { return log_; }
  const fuzz::Log& reports() const { return reports_; }

 private:
  int& fuel() { return quiet_ ? quiet_fuel_ : fuel_; }

  void log(const std::string& what, int number) {
    log_.add(what + " " + std::to_string(number));
  }

  void perform_all(int body, bool may_throw) {
    const auto place = static_cast<std::size_t>(body);
    if (place < script_.bodies.size()) {
      for (const Operation& operation : script_.bodies[place]) {
        perform(operation, may_throw);
      }
    }
  }

  void perform(const Operation& operation, bool may_throw) {
    if (fuel() == 0) {
      return;
    }
    --fuel();
    if (operation.kind == THROW && may_throw) {
      log("throw", operation.number);
      throw std::runtime_error(std::to_string(operation.number));
    }
    if (operation.kind == INTERRUPT && may_throw) {
      log("interrupt", operation.number);
      interrupt<asyncio::KeyboardInterrupt>();
    }
    std::string result;
    try {
      result = attempt(operation);
    } catch (const std::exception&) {
      result = "refused";
    } catch (...) {
      using Interrupt = asyncio::KeyboardInterrupt;
      if (!is_interrupt<Interrupt>(std::current_exception())) {
        throw;
      }
      result = "interrupted";
    }
    if (!quiet_ && !result.empty()) {
      log_.add(std::string(name(operation.kind)) + ": " + result);
    }
  }

  std::string attempt(const Operation& operation) {
    const int number = operation.number;
    // The youngest is number 0.
    const auto place = [number](std::size_t count) {
      return count - 1 - static_cast<std::size_t>(number) % count;
    };
    switch (operation.kind) {
      case CALL_SOON:
        loop_->call_soon(part(operation));
        break;
      case CALL_LATER:
        loop_->call_later(seconds(number), part(operation));
        break;
      case CALL_AT:
        loop_->call_at(seconds(number), part(operation));
        break;
      case BURST:
        burst(operation);
        break;
      case CANCEL_CALL:
        if (loop_->calls() > 0) {
          loop_->cancel_call(place(loop_->calls()));
        }
        break;
      case CANCEL_TIMER:
        if (loop_->timers() > 0) {
          loop_->cancel_timer(place(loop_->timers()));
        }
        break;
      case CANCEL_MANY:
        cancel_many(number);
        break;
      case DROP_TIMER:
        if (loop_->timers() > 0) {
          loop_->drop_timer(place(loop_->timers()));
        }
        break;
      case LOOK_AT_CALL:
        if (loop_->calls() > 0) {
          const bool is = loop_->is_call_cancelled(place(loop_->calls()));
          return closed_ ? "" : is ? "cancelled" : "not cancelled";
        }
        break;
      case LOOK_AT_TIMER:
        if (loop_->timers() > 0) {
          return look_at_timer(place(loop_->timers()));
        }
        break;
      case LOOK_AT_CLOCK:
        return closed_ ? "" : text(loop_->time());
      case ADVANCE:
        loop_->advance(std::fabs(seconds(number % 251)));
        break;
      case RUN_ONCE:
      case RUN_UNTIL_IDLE:
      case RUN_FOREVER:
        return run(operation);
      case STOP:
        loop_->stop();
        break;
      case CLOSE:
        close();
        break;
      default:
        break;
    }
    return "";
  }

  Call part(const Operation& operation) {
    const int number = quiet_ ? -1 : parts_++;
    return std::make_shared<Part>(*this, number, operation);
  }

  // Often few, else so many that a heap of cancelled ones is tidied up.
  void burst(const Operation& operation) {
    const int number = operation.number;
    const int count = number < 192 ? number % 16 : number;
    for (int i = 0; i < count && fuel() > 0; ++i, --fuel()) {
      loop_->call_later((i * 7 % 32) * 0.25, part(operation));
    }
  }

  void cancel_many(int number) {
    for (std::size_t i = 0; i < loop_->timers() && fuel() > 0; ++i) {
      if (number & (1 << (i % 8))) {
        --fuel();
        loop_->cancel_timer(i);
      }
    }
  }

  std::string look_at_timer(std::size_t place) {
    const bool cancelled = loop_->is_timer_cancelled(place);
    const std::string seen =
        text(loop_->when(place)) + (cancelled ? " cancelled" : "");
    // What is cancelled or dropped by what dies with the loop is not compared.
    return closed_ ? "" : seen;
  }

  std::string run(const Operation& operation) {
    // Whether that may be asked for is not said.
    if (operation.kind == RUN_UNTIL_IDLE && (running_ || closed_)) {
      return "";
    }
    const bool outer = std::exchange(running_, true);
    try {
      if (operation.kind == RUN_ONCE) {
        loop_->run_once();
      } else if (operation.kind == RUN_UNTIL_IDLE) {
        loop_->run_until_idle();
      } else {
        loop_->run_forever(seconds(operation.number % 16));
      }
    } catch (...) {
      running_ = outer;
      throw;
    }
    running_ = outer;
    return "ran";
  }

  void close() {
    closed_ = closed_ || !running_;
    loop_->close();
  }

  const Script& script_;
  const bool is_model_;
  Loop* loop_ = nullptr;
  fuzz::Log log_;
  fuzz::Log reports_;
  int parts_ = 0;
  int fuel_ = 1000;
  int quiet_fuel_ = 300;
  bool running_ = false;
  bool closed_ = false;
  bool gone_ = false;
  bool quiet_ = false;
};

Part::~Part() {
  --alive;
  player_.last_words(number_, operation_.last_words);
}

void Part::call() { player_.call(number_, operation_.body); }

// ---- The loop ------------------------------------------------------------

using asyncio::Seconds;

class RealLoop : public Loop {
 public:
  explicit RealLoop(Player& player) : player_(player) {
    loop_->use_virtual_clock();
    loop_->set_exception_handler(
        [&player](const std::string&, std::exception_ptr exception) {
          player.report(describe(exception));
        }
    );
  }
  RealLoop(const RealLoop&) = delete;
  RealLoop& operator=(const RealLoop&) = delete;
  ~RealLoop() override {
    // It may be asked for things until it is gone.
    delete loop_;
    player_.gone();
    // The handle of a timer may live longer.
    for (asyncio::TimerHandle& timer : timers_) {
      timer.cancel();
    }
  }

  void call_soon(Call call) override {
    const asyncio::Handle handle = loop_->call_soon([call] { call->call(); });
    if (!call->is_late()) {
      calls_.push_back(handle);
    }
  }

  void call_later(double delay, Call call) override {
    keep(loop_->call_later(Seconds(delay), [call] { call->call(); }), *call);
  }

  void call_at(double when, Call call) override {
    keep(loop_->call_at(Seconds(when), [call] { call->call(); }), *call);
  }

  std::size_t calls() const override { return calls_.size(); }
  std::size_t timers() const override { return timers_.size(); }
  void cancel_call(std::size_t place) override { calls_[place].cancel(); }
  void cancel_timer(std::size_t place) override { timers_[place].cancel(); }
  void drop_timer(std::size_t place) override { timers_[place] = {}; }
  bool is_call_cancelled(std::size_t place) const override {
    return calls_[place].cancelled();
  }
  bool is_timer_cancelled(std::size_t place) const override {
    return timers_[place].cancelled();
  }
  double when(std::size_t place) const override {
    return timers_[place].when().count();
  }

  double time() const override { return loop_->time().count(); }
  void advance(double delay) override { loop_->advance(Seconds(delay)); }
  void run_once() override { loop_->run_once(); }
  void run_until_idle() override { loop_->run_until_idle(); }
  void run_forever(double stop_after) override {
    loop_->call_later(Seconds(stop_after), [this] { loop_->stop(); });
    loop_->run_forever();
  }
  void stop() override { loop_->stop(); }
  void close() override { loop_->close(); }

 private:
  void keep(const asyncio::TimerHandle& timer, Part& part) {
    if (part.keeps_its_handle()) {
      part.handle = std::make_shared<asyncio::TimerHandle>(timer);
    }
    if (!part.is_late()) {
      timers_.push_back(timer);
    }
  }

  Player& player_;
  asyncio::EventLoop* const loop_ = new asyncio::EventLoop;
  std::vector<asyncio::TimerHandle> timers_;
  std::vector<asyncio::Handle> calls_;
};

// ---- Its model -----------------------------------------------------------

class ModelLoop : public Loop {
 public:
  explicit ModelLoop(Player& player) : player_(player) {}

  void call_soon(Call call) override {
    check_not_closed();
    calls_.push_back(entry([call] { call->call(); }));
    ready_.push_back(calls_.back());
  }

  void call_later(double delay, Call call) override {
    call_at(now_ + delay, std::move(call));
  }

  void call_at(double when, Call call) override {
    timers_.push_back(schedule(when, [call] { call->call(); }));
  }

  std::size_t calls() const override { return calls_.size(); }
  std::size_t timers() const override { return timers_.size(); }
  void cancel_call(std::size_t place) override { cancel(calls_[place]); }
  void cancel_timer(std::size_t place) override { cancel(timers_[place]); }
  void drop_timer(std::size_t place) override { timers_[place] = nullptr; }
  bool is_call_cancelled(std::size_t place) const override {
    return calls_[place]->cancelled;
  }
  bool is_timer_cancelled(std::size_t place) const override {
    return timers_[place] && timers_[place]->cancelled;
  }
  double when(std::size_t place) const override {
    return timers_[place] ? timers_[place]->when : 0;
  }

  double time() const override { return now_; }

  void advance(double delay) override { now_ += delay; }

  void run_once() override {
    check_not_running();
    const Flag running(running_);
    drop_cancelled();
    if (ready_.empty() && !stopping_) {
      if (scheduled_.empty()) {
        throw std::logic_error("nothing left to wait for");
      }
      now_ = std::max(now_, scheduled_.begin()->first);
    }
    while (!scheduled_.empty() && scheduled_.begin()->first <= now_) {
      const EntryPointer due = scheduled_.begin()->second;
      scheduled_.erase(scheduled_.begin());
      if (!due->cancelled) {
        ready_.push_back(due);
      }
    }
    for (std::size_t left = ready_.size(); left > 0; --left) {
      const EntryPointer next = ready_.front();
      ready_.pop_front();
      run(*next);
    }
  }

  void run_until_idle() override {
    check_not_running();
    const Flag stopped(stopping_, stopping_);
    while (!stopping_ && !is_idle()) {
      run_once();
    }
  }

  void run_forever(double stop_after) override {
    schedule(now_ + stop_after, [this] { stop(); });
    check_not_running();
    const Flag stopped(stopping_, stopping_);
    do {
      run_once();
    } while (!stopping_);
  }

  void stop() override { stopping_ = true; }

  void close() override {
    if (running_) {
      throw std::logic_error("running");
    }
    closed_ = true;
    for (const auto& [when, entry] : scheduled_) {
      entry->callback = nullptr;
    }
    for (const EntryPointer& entry : ready_) {
      entry->callback = nullptr;
    }
    scheduled_.clear();
    ready_.clear();
  }

 private:
  struct Entry {
    std::function<void()> callback;
    double when = 0;
    bool cancelled = false;
  };
  using EntryPointer = std::shared_ptr<Entry>;

  /// Is set, and false in the end.
  class Flag {
   public:
    explicit Flag(bool& flag, bool value = true) : flag_(flag) { flag = value; }
    Flag(const Flag&) = delete;
    Flag& operator=(const Flag&) = delete;
    ~Flag() { flag_ = false; }

   private:
    bool& flag_;
  };

  void check_not_running() const {
    check_not_closed();
    if (running_) {
      throw std::logic_error("running");
    }
  }

  static EntryPointer entry(std::function<void()> callback, double when = 0) {
    return std::make_shared<Entry>(Entry{std::move(callback), when});
  }

  void check_not_closed() const {
    if (closed_) {
      throw std::logic_error("closed");
    }
  }

  EntryPointer schedule(double when, std::function<void()> callback) {
    check_not_closed();
    if (std::isnan(when)) {
      throw std::invalid_argument("not a number");
    }
    const EntryPointer timer = entry(std::move(callback), when);
    // Behind those of the same time.
    scheduled_.insert({when, timer});
    return timer;
  }

  static void cancel(EntryPointer entry) {
    if (entry && !entry->cancelled) {
      entry->cancelled = true;
      const auto dies_now = std::exchange(entry->callback, nullptr);
    }
  }

  void drop_cancelled() {
    while (!scheduled_.empty() && scheduled_.begin()->second->cancelled) {
      scheduled_.erase(scheduled_.begin());
    }
  }

  bool is_idle() const {
    const auto is_cancelled = [](const auto& timer) {
      return timer.second->cancelled;
    };
    return ready_.empty() &&
           std::all_of(scheduled_.begin(), scheduled_.end(), is_cancelled);
  }

  void run(Entry& entry) {
    try {
      if (const auto callback = std::exchange(entry.callback, nullptr)) {
        callback();
      }
    } catch (const std::exception& error) {
      player_.report(error.what());
    }
  }

  Player& player_;
  std::vector<EntryPointer> calls_;
  std::vector<EntryPointer> timers_;
  std::multimap<double, EntryPointer> scheduled_;
  std::deque<EntryPointer> ready_;
  double now_ = 0;
  bool running_ = false;
  bool stopping_ = false;
  bool closed_ = false;
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
  Player model(script, true);
  model.play(std::make_unique<ModelLoop>(model));
  Player real(script, false);
  real.play(std::make_unique<RealLoop>(real));
  fuzz::compare(real.log(), model.log());
  fuzz::compare(real.reports(), model.reports());
  if (Part::alive != 0) {
    fuzz::fail(std::to_string(Part::alive) + " callbacks are still alive");
  }
  return 0;
}
