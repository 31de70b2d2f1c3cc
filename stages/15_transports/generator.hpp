// Generators: functions that can pause, and delegate to each other. All frames
// of a chain run on the stack of whoever resumes its outermost one, and only
// the innermost is ever resumed.
// (CPython: Objects/genobject.c; PEP 342, PEP 380)
#pragma once

#include <coroutine>
#include <cstdio>
#include <exception>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "common/is_instance.hpp"
#include "common/memory.hpp"

namespace asyncio {

/// Python's None: what stands where a type is void. `co_yield None;`
struct NoneType {};
inline constexpr NoneType None{};

template <class T>
using Value = std::conditional_t<std::is_void_v<T>, NoneType, T>;

/// What close() throws into a generator. As in Python it is no ordinary
/// exception, so `catch (const std::exception&)` lets it pass. (PEP 342)
struct GeneratorExit {};

/// Where a generator stands: its function, and the line it is paused at.
struct Where {
  const char* function;
  const char* file;
  int line;
};

/// The part of a generator's frame that does not depend on what it returns.
/// Frames that delegate to each other form a chain: each knows who delegated
/// to it, the outermost one knows who is innermost.
template <class Yield, class Send>
class Frame {
 public:
  using Sent = std::optional<Value<Send>>;

  /// A delegation: it lies in the delegator's frame, and the delegate knows
  /// of it, so that each end hears of the other's end.
  class Link {
   public:
    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    ~Link() { cut(); }

    /// Takes the delegate, and those it delegates to, out of the chain.
    void cut() {
      if (!delegate) {
        return;
      }
      Frame& frame = *std::exchange(delegate, nullptr);
      if (!frame.done_) {
        Frame& top = delegator->outermost();
        frame.innermost_ = std::exchange(top.innermost_, delegator);
      }
      frame.link_ = nullptr;
      if (frame.dropped_) {
        frame.discard();
      }
    }

    Frame* delegator = nullptr;
    Frame* delegate = nullptr;
  };

  /// Something that is done to a generator: meanwhile its chain runs.
  class Operation {
   public:
    explicit Operation(Frame& frame) : top(frame.outermost()) {
      top.check_not_running();
      top.running_ = true;
    }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    ~Operation() {
      top.running_ = false;
      if (top.dropped_) {
        top.discard();
      }
    }

    Frame& top;
  };

  Frame() = default;
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  /// Shows `value`, which is to stay where it is until then, to whoever
  /// resumed the chain; for await_suspend.
  void yield(Value<Yield>& value, int line) {
    line_ = line;
    outermost_->yielded_ = &value;
  }

  /// Returns what was sent in, empty for None, or throws what was thrown in;
  /// for await_resume.
  Sent receive() {
    if (outermost_->thrown_) {
      std::rethrow_exception(std::exchange(outermost_->thrown_, nullptr));
    }
    return std::exchange(outermost_->sent_, std::nullopt);
  }

  /// Puts `delegate` in charge until it ends: `yield from`. (PEP 380)
  void delegate_to(Frame& delegate, Link& link, int line) {
    delegate.outermost().check_not_running();
    if (delegate.link_) {
      throw std::logic_error("generator already awaited");
    }
    line_ = line;
    link.delegator = this;
    link.delegate = &delegate;
    delegate.link_ = &link;
    outermost_->innermost_ = delegate.innermost_;
  }

  /// Resumes the innermost frame with something sent or thrown in. Returns
  /// what the chain yields, or nullptr once this frame has ended.
  Value<Yield>* resume(Frame& top, Sent sent, std::exception_ptr thrown) {
    top.run_until(delegator(), std::move(sent), std::move(thrown));
    return std::exchange(top.yielded_, nullptr);
  }

  /// Ends those this frame delegates to, innermost first. Returns what is to
  /// be thrown in here then: `exit`, or an error from further inside.
  std::exception_ptr close_delegates(
      Frame& top,
      const std::exception_ptr& exit
  ) {
    std::exception_ptr thrown = exit;
    while (top.innermost_ != this) {
      Frame& delegate = *top.innermost_;
      top.run_until(delegate.delegator(), std::nullopt, thrown);
      thrown = delegate.error_ ? delegate.error_ : exit;
      if (delegate.error_ == exit) {
        delegate.error_ = nullptr;
      }
      if (top.yielded_) {
        top.yielded_ = nullptr;
        thrown = ignored_exit();
        delegate.link_->cut();
      }
    }
    return thrown;
  }

  /// Ends this frame: GeneratorExit is thrown in where it is paused.
  void close() {
    if (done()) {
      return;
    }
    const Operation operation(*this);
    Frame& top = operation.top;
    const auto exit = std::make_exception_ptr(GeneratorExit{});
    if (resume(top, std::nullopt, close_delegates(top, exit))) {
      std::rethrow_exception(ignored_exit());
    }
    if (error_ && !is_instance<GeneratorExit>(error_)) {
      std::rethrow_exception(error_);
    }
    error_ = nullptr;
  }

  /// For the destructor of its `owner`: closes this frame and frees it, or
  /// once it has stopped running. What goes wrong is said, not thrown.
  void discard(const void* owner = nullptr) noexcept {
    dropped_ = outermost().running_;
    if (dropped_) {
      return;
    }
    try {
      if (started()) {
        close();
      }
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s: exception ignored while it was closed: %s\n",
                   function_, error.what());
    } catch (...) {
      std::fprintf(stderr, "%s: exception ignored while it was closed\n",
                   function_);
    }
    if (link_) {
      link_->cut();
    }
    destroy(owner);
  }

  bool done() const { return done_; }
  bool started() const { return outermost_ != nullptr; }
  Where where() const { return {function_, file_, line_}; }
  const std::exception_ptr& error() const { return error_; }

 protected:
  void init(std::coroutine_handle<> handle, const Where& where) {
    handle_ = handle;
    function_ = where.function;
    file_ = where.file;
    line_ = where.line;
  }

  void fail() { error_ = std::current_exception(); }

  /// Gives control back to the delegator, at the end.
  void finish() noexcept {
    done_ = true;
    outermost_->innermost_ = delegator();
  }

 private:
  /// The trampoline: whoever is innermost runs, until somebody yields or
  /// `end` would be next. Nobody calls anybody, so no depth costs any stack.
  void run_until(Frame* end, Sent sent, std::exception_ptr thrown) {
    sent_ = std::move(sent);
    thrown_ = std::move(thrown);
    while (innermost_ != end && !yielded_) {
      innermost_->outermost_ = this;
      innermost_->handle_.resume();
    }
  }

  /// Frees this frame. A frame may be the parameter of another, a million
  /// deep: those that are too deep for the stack wait in a list, which goes on
  /// by innermost_, until the outermost is gone. (CPython: the trashcan)
  void destroy(const void* owner) {
    static thread_local int depth = 0;
    static thread_local Frame* dying = nullptr;
    static thread_local Frame* doomed = nullptr;
    // Not one with variables, nor one that dies with anything else: what they
    // refer to dies next.
    const bool has_variables = started() && !done();
    if (depth >= 100 && !has_variables &&
        is_part_of(owner, dying->handle_.address())) {
      innermost_ = std::exchange(doomed, this);
      return;
    }
    Frame* const before = std::exchange(dying, this);
    ++depth;
    handle_.destroy();
    while (depth == 1 && doomed) {
      dying = std::exchange(doomed, doomed->innermost_);
      dying->handle_.destroy();
    }
    --depth;
    dying = before;
  }

  /// Who awaits this frame, or nullptr.
  Frame* delegator() const { return link_ ? link_->delegator : nullptr; }

  Frame& outermost() {
    Frame* frame = this;
    while (frame->link_) {
      frame = frame->link_->delegator;
    }
    return *frame;
  }

  void check_not_running() const {
    if (running_) {
      throw std::logic_error("generator already executing");
    }
  }

  static std::exception_ptr ignored_exit() {
    return std::make_exception_ptr(
        std::runtime_error("generator ignored GeneratorExit"));
  }

  std::coroutine_handle<> handle_;
  const char* function_ = nullptr;
  const char* file_ = nullptr;
  Link* link_ = nullptr;
  Frame* innermost_ = this;
  Frame* outermost_ = nullptr;
  Value<Yield>* yielded_ = nullptr;
  std::exception_ptr thrown_;
  std::exception_ptr error_;
  int line_ = 0;
  bool running_ = false;
  // Bits, since there may be very many frames.
  bool done_ : 1 = false;
  /// Its owner is gone: whoever still uses it frees it.
  bool dropped_ : 1 = false;
  Sent sent_;
};

/// The frame of a generator, with what it returns.
template <class Yield, class Send, class Return>
class ReturningFrame : public Frame<Yield, Send> {
 public:
  void return_value(Return value) { returned_.emplace(std::move(value)); }

 protected:
  std::optional<Return> returned_;
};

template <class Yield, class Send>
class ReturningFrame<Yield, Send, void> : public Frame<Yield, Send> {
 public:
  void return_void() { returned_.emplace(); }

 protected:
  std::optional<NoneType> returned_;
};

/// A function that can pause: typing.Generator[Yield, Send, Return].
/// `co_yield value` pauses it and gives what is sent in (an empty optional if
/// nothing is), `co_await generator` delegates and gives what that returns.
/// Each parameter may be void. Destroying a paused generator closes it.
template <class Yield, class Send = void, class Return = void>
class [[nodiscard]] Generator {
 public:
  class promise_type;
  class Delegation;
  class Iterator;
  using CoroutineHandle = std::coroutine_handle<promise_type>;
  /// What was yielded, or nothing at the end; a bool if Yield is void.
  using Step =
      std::conditional_t<std::is_void_v<Yield>, bool, std::optional<Yield>>;

  Generator(Generator&& other) noexcept
      : handle_(std::exchange(other.handle_, nullptr)) {}
  Generator& operator=(Generator other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Generator() {
    if (handle_) {
      handle_.promise().discard(this);
    }
  }

  /// Runs to the next yield. Returns what it yields, or nothing at the end,
  /// and throws what the generator throws. (generator.__next__)
  Step next() { return step(frame(), std::nullopt, nullptr); }

  /// The same, and `value` is what the pending co_yield gives. Throws
  /// std::logic_error before the first next(). (generator.send)
  Step send(Value<Send> value) {
    if (!std::is_void_v<Send> && !frame().started()) {
      throw std::logic_error("can't send a value to a just-started generator");
    }
    return step(frame(), std::move(value), nullptr);
  }

  /// The same, and the pending co_yield throws `exception`. Throws
  /// std::invalid_argument if there is none. (generator.throw)
  Step throw_(std::exception_ptr exception) {
    if (!exception) {
      throw std::invalid_argument("there is no exception to throw");
    }
    if (frame().done()) {
      std::rethrow_exception(exception);
    }
    return step(frame(), std::nullopt, std::move(exception));
  }
  template <class Exception>
  Step throw_(Exception exception) {
    return throw_(std::make_exception_ptr(std::move(exception)));
  }

  /// Throws GeneratorExit in where it is paused. Throws std::runtime_error if
  /// the generator yields once more. (generator.close)
  void close() { frame().close(); }

  /// What it returned. Throws std::logic_error before the end, and again what
  /// it ended with if that was an exception. (StopIteration.value)
  std::add_lvalue_reference_t<Return> result() {
    return static_cast<std::add_lvalue_reference_t<Return>>(frame().result());
  }

  /// True once it has returned, thrown or was closed.
  bool done() const { return frame().done(); }

  /// Its function and current line. (gi_code.co_name, gi_frame.f_lineno)
  Where where() const { return frame().where(); }

  Iterator begin() { return Iterator(*this); }
  std::default_sentinel_t end() { return {}; }

  Delegation operator co_await() { return Delegation(frame()); }

 private:
  explicit Generator(CoroutineHandle handle) : handle_(handle) {}

  promise_type& frame() const {
    if (!handle_) {
      throw std::logic_error("generator was moved from");
    }
    return handle_.promise();
  }

  // Static: while `self` runs, it may destroy its generator.
  static Step step(
      promise_type& self,
      std::optional<Value<Send>> sent,
      std::exception_ptr thrown
  ) {
    if (self.done()) {
      return Step();
    }
    const typename promise_type::Operation operation(self);
    if (is_instance<GeneratorExit>(thrown)) {
      thrown = self.close_delegates(operation.top, thrown);
    }
    Value<Yield>* const yielded =
        self.resume(operation.top, std::move(sent), std::move(thrown));
    if (self.done() && self.error()) {
      std::rethrow_exception(self.error());
    }
    if constexpr (std::is_void_v<Yield>) {
      return yielded != nullptr;
    } else {
      return yielded ? Step(std::move(*yielded)) : Step();
    }
  }

  CoroutineHandle handle_;
};

template <class Yield, class Send, class Return>
class Generator<Yield, Send, Return>::promise_type
    : public ReturningFrame<Yield, Send, Return> {
 public:
  /// Waits at the opening brace as at any co_yield: one may throw in here too.
  struct Start : std::suspend_always {
    explicit Start(promise_type& promise) : frame(promise) {}
    void await_resume() { frame.receive(); }
    promise_type& frame;
  };

  struct Pause : std::suspend_always {
    Pause(promise_type& promise, Value<Yield> yielded)
        : frame(promise), value(std::move(yielded)) {}
    void await_suspend(CoroutineHandle, int line = __builtin_LINE()) {
      frame.yield(value, line);
    }
    auto await_resume() {
      if constexpr (std::is_void_v<Send>) {
        frame.receive();
      } else {
        return frame.receive();
      }
    }
    promise_type& frame;
    Value<Yield> value;
  };

  struct End : std::suspend_always {
    void await_suspend(CoroutineHandle handle) noexcept {
      handle.promise().finish();
    }
  };

  Generator get_return_object(const char* function = __builtin_FUNCTION(),
                              const char* file = __builtin_FILE(),
                              int line = __builtin_LINE()) {
    const auto handle = CoroutineHandle::from_promise(*this);
    this->init(handle, Where{function, file, line});
    return Generator(handle);
  }
  Start initial_suspend() { return Start(*this); }
  End final_suspend() noexcept { return {}; }
  void unhandled_exception() { this->fail(); }

  Pause yield_value(Value<Yield> value) {
    return Pause(*this, std::move(value));
  }

  /// The result moves to whoever awaits, once.
  Return take() {
    Value<Return> value = std::move(result());
    this->returned_.reset();
    return static_cast<Return>(std::move(value));
  }

  Value<Return>& result() {
    if (this->error()) {
      std::rethrow_exception(this->error());
    }
    if (!this->returned_) {
      throw std::logic_error("generator has no result");
    }
    return *this->returned_;
  }
};

/// `co_await generator`: everything goes to the delegate until it ends.
template <class Yield, class Send, class Return>
class Generator<Yield, Send, Return>::Delegation {
 public:
  explicit Delegation(promise_type& delegate) : delegate_(delegate) {}

  bool await_ready() const { return delegate_.done(); }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle,
                     int line = __builtin_LINE()) {
    handle.promise().delegate_to(delegate_, link_, line);
  }

  Return await_resume() {
    if (link_.delegator) {
      link_.delegator->receive();
      if (!link_.delegate) {
        throw std::logic_error("awaited generator was destroyed");
      }
    }
    return delegate_.take();
  }

 private:
  promise_type& delegate_;
  typename Frame<Yield, Send>::Link link_;
};

/// Makes `for (auto& value : generator)` work.
template <class Yield, class Send, class Return>
class Generator<Yield, Send, Return>::Iterator {
 public:
  explicit Iterator(Generator& generator)
      : generator_(generator), step_(generator.next()) {}
  Value<Yield>& operator*() { return *step_; }
  Iterator& operator++() {
    step_ = generator_.next();
    return *this;
  }
  bool operator==(std::default_sentinel_t) const { return !step_; }

 private:
  Generator& generator_;
  Step step_;
};

}  // namespace asyncio
