// Asynchronous generators: a body may both co_await and co_yield. Each anext()
// is a coroutine of its own, which takes the body's place in the chain for as
// long as that runs or waits, up to its next co_yield.
// (CPython: PEP 525, Objects/genobject.c)
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tasks.hpp"

namespace asyncio {

// ---- What does not depend on what is yielded ----

/// The part of an asynchronous generator that its loop and its last owner see.
/// All who hold the generator share one of these.
class AsyncGeneratorBase
    : public std::enable_shared_from_this<AsyncGeneratorBase> {
 public:
  AsyncGeneratorBase() = default;
  AsyncGeneratorBase(const AsyncGeneratorBase&) = delete;
  AsyncGeneratorBase& operator=(const AsyncGeneratorBase&) = delete;
  virtual ~AsyncGeneratorBase() { leave_loop(); }

  /// Throws GeneratorExit in where the body is paused.
  virtual Coroutine<> aclose() = 0;

  /// Whether the body has begun and not ended.
  virtual bool half_way() const = 0;

  /// Its function. (ag_code.co_name)
  virtual const char* function() const = 0;

  /// For its last owner. What a destructor cannot do, as it cannot wait, a task
  /// of the loop does. (_PyGen_Finalize)
  void finalize() noexcept {
    try {
      if (half_way() && !close_soon()) {
        close_now();
      }
    } catch (...) {
      std::fprintf(stderr, "%s: exception ignored while it was closed: %s\n",
                   function(), describe(std::current_exception()).c_str());
    }
  }

 protected:
  /// The loop in which it is first asked for something will have to close it.
  /// (BaseEventLoop._asyncgen_firstiter_hook)
  void join_loop() {
    EventLoop* const loop = EventLoop::running();
    if (loop && !loop_) {
      number_ = ++last_number_;
      loop->asyncgens().emplace(number_, weak_from_this());
      loop_ = loop->lifeline();
    }
  }

  /// Whether it was asked to end: its last owner does not ask again.
  bool closed_ = false;

 private:
  EventLoop* open_loop() const {
    EventLoop* const loop = loop_ ? *loop_ : nullptr;
    return loop && !loop->is_closed() ? loop : nullptr;
  }

  void leave_loop() {
    if (loop_ && *loop_) {
      (*loop_)->asyncgens().erase(number_);
    }
  }

  /// Returns false if there is no loop for that.
  /// (BaseEventLoop._asyncgen_finalizer_hook)
  bool close_soon();

  /// Where the body cannot wait.
  void close_now() {
    Coroutine<> closing = aclose();
    if (closing.next()) {
      throw std::runtime_error("async generator ignored GeneratorExit");
    }
    closing.result();
  }

  static inline thread_local std::uint64_t last_number_ = 0;

  std::shared_ptr<EventLoop*> loop_;
  std::uint64_t number_ = 0;
};

/// An asynchronous generator of whatever. Copies stand for the same.
class AnyAsyncGenerator {
 public:
  explicit AnyAsyncGenerator(std::shared_ptr<AsyncGeneratorBase> state)
      : state_(std::move(state)) {}
  AnyAsyncGenerator(const AnyAsyncGenerator&) = default;
  AnyAsyncGenerator(AnyAsyncGenerator&&) noexcept = default;
  AnyAsyncGenerator& operator=(AnyAsyncGenerator other) noexcept {
    state_.swap(other.state_);
    return *this;
  }
  ~AnyAsyncGenerator() {
    if (state_.use_count() == 1) {
      release(std::move(state_));
    }
  }

  /// Throws GeneratorExit in where it is paused, and waits until its body has
  /// ended. Throws std::runtime_error if that yields once more, and what it
  /// throws otherwise. (async_generator.aclose)
  Coroutine<> aclose() const { return base().aclose(); }

  AsyncGeneratorBase& base() const {
    if (!state_) {
      throw std::logic_error("asynchronous generator was moved from");
    }
    return *state_;
  }

 protected:
  std::shared_ptr<AsyncGeneratorBase> state_;

 private:
  // One may own another, a million in a row: those that are too deep for the
  // stack wait in a list until the outermost is gone.
  static void release(std::shared_ptr<AsyncGeneratorBase> last) noexcept {
    using List = std::vector<std::shared_ptr<AsyncGeneratorBase>>;
    static thread_local int depth = 0;
    static thread_local List* doomed = nullptr;
    if (depth >= 20) {
      try {
        doomed->push_back(std::move(last));
        return;
      } catch (...) {
        // No memory: deeper, then.
      }
    }
    List list;
    if (++depth == 1) {
      doomed = &list;
    }
    last->finalize();
    last.reset();
    while (!list.empty()) {
      const auto next = std::move(list.back());
      list.pop_back();
      next->finalize();
    }
    --depth;
  }
};

inline bool AsyncGeneratorBase::close_soon() {
  EventLoop* const loop = open_loop();
  if (!loop || std::exchange(closed_, true)) {
    return false;
  }
  leave_loop();
  loop->call_soon([loop, kept = AnyAsyncGenerator(shared_from_this())] {
    create_task(kept.aclose(), *loop);
  });
  return true;
}

// ---- The generator ----

/// A generator whose body may wait: typing.AsyncGenerator[Yield, Send].
///
///   while (auto line = co_await lines.anext()) {
///     std::puts(line->c_str());
///   }
///
/// To break out of such a loop leaves the generator half-way: see aclosing().
template <class Yield, class Send = void>
class [[nodiscard]] AsyncGenerator : public AnyAsyncGenerator {
 public:
  class promise_type;
  class State;
  using CoroutineHandle = std::coroutine_handle<promise_type>;
  using Sent = std::optional<Value<Send>>;
  /// What was yielded, or nothing at the end; a bool if Yield is void.
  using Step = typename Generator<Yield>::Step;

  explicit AsyncGenerator(std::shared_ptr<AsyncGeneratorBase> state)
      : AnyAsyncGenerator(std::move(state)) {}

  /// Runs to the next co_yield, and waits for whatever the body waits for.
  /// Gives what is yielded, or nothing at the end; throws what the body throws,
  /// and std::logic_error while another of these is under way.
  /// (async_generator.__anext__)
  Coroutine<Step> anext() const { return step("anext()", std::nullopt); }

  /// The same, and `value` is what the pending co_yield gives. Throws
  /// std::logic_error before the first anext(). (async_generator.asend)
  Coroutine<Step> asend(Value<Send> value) const {
    return step("anext()", std::move(value));
  }

  /// The same, and the pending co_yield throws `exception`. Throws
  /// std::invalid_argument if there is none. (async_generator.athrow)
  Coroutine<Step> athrow(std::exception_ptr exception) const {
    if (!exception) {
      throw std::invalid_argument("there is no exception to throw");
    }
    return step("athrow()", std::nullopt, std::move(exception));
  }
  template <class Exception>
  Coroutine<Step> athrow(Exception exception) const {
    return athrow(std::make_exception_ptr(std::move(exception)));
  }

 private:
  Coroutine<Step> step(
      const char* name,
      Sent sent,
      std::exception_ptr thrown = nullptr
  ) const {
    base();
    return State::step(*this, name, std::move(sent), std::move(thrown));
  }

  State& state() const { return static_cast<State&>(base()); }
};

template <class Yield, class Send>
class AsyncGenerator<Yield, Send>::State final : public AsyncGeneratorBase {
 public:
  /// The coroutine in whose place the body runs.
  using Stand = typename Coroutine<Step>::CoroutineHandle;

  ~State() override { destroy(); }

  Coroutine<> aclose() override {
    return close(AsyncGenerator(this->shared_from_this()));
  }
  bool half_way() const override { return body_ && started_; }
  const char* function() const override { return function_; }

  /// What anext() and its sisters are.
  static Coroutine<Step> step(
      AsyncGenerator generator,
      const char* name,
      Sent sent,
      std::exception_ptr thrown
  ) {
    State& self = generator.state();
    const Operation operation(self, name);
    if (sent && !self.started_ && !std::is_void_v<Send>) {
      throw std::logic_error(
          "can't send a value to a just-started asynchronous generator");
    }
    self.sent_ = std::move(sent);
    self.thrown_ = std::move(thrown);
    self.yielded_ = nullptr;
    while (self.runs()) {
      co_await Run(self);
    }
    co_return self.take();
  }

 private:
  friend class promise_type;

  /// Whatever is done to a generator: meanwhile nobody else can do anything.
  class Operation {
   public:
    Operation(State& state, const char* name) : state_(state) {
      if (state.running_) {
        throw std::logic_error(
            name + std::string(": asynchronous generator is already running"));
      }
      state.join_loop();
      state.running_ = true;
    }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    ~Operation() {
      state_.running_ = false;
      // It waits, in place of a coroutine that is destroyed.
      if (state_.runs() && state_.started_) {
        state_.destroy();
      }
    }

   private:
    State& state_;
  };

  /// Resumes the body until it waits for something, in the name of the
  /// coroutine that awaits this, or until there is an outcome.
  struct Run {
    explicit Run(State& state) : self(state) {}
    bool await_ready() const { return false; }
    bool await_suspend(Stand stand) {
      self.stand_ = stand;
      self.started_ = true;
      self.body_.resume();
      return self.runs();
    }
    void await_resume() const {}

    State& self;
  };

  static Coroutine<> close(AsyncGenerator generator) {
    Step yielded = Step();
    const auto exit = std::make_exception_ptr(GeneratorExit());
    try {
      yielded = co_await step(generator, "aclose()", std::nullopt, exit);
    } catch (const GeneratorExit&) {
    }
    generator.state().closed_ = true;
    if (yielded) {
      throw std::runtime_error("async generator ignored GeneratorExit");
    }
  }

  /// Whether it is neither paused at a co_yield nor at its end.
  bool runs() const { return body_ && !body_.done() && !yielded_; }

  /// What the body has yielded, thrown, or nothing.
  Step take() {
    if (yielded_) {
      if constexpr (std::is_void_v<Yield>) {
        return true;
      } else {
        return Step(std::move(*yielded_));
      }
    }
    destroy();
    if (error_) {
      std::rethrow_exception(std::exchange(error_, nullptr));
    }
    return Step();
  }

  /// For co_yield.
  Sent receive() {
    if (thrown_) {
      std::rethrow_exception(std::exchange(thrown_, nullptr));
    }
    return std::exchange(sent_, std::nullopt);
  }

  void destroy() {
    if (const auto body = std::exchange(body_, nullptr)) {
      body.destroy();
    }
  }

  /// nullptr once it has ended.
  CoroutineHandle body_;
  const char* function_ = nullptr;
  Stand stand_;
  Value<Yield>* yielded_ = nullptr;
  Sent sent_;
  std::exception_ptr thrown_;
  std::exception_ptr error_;
  bool started_ = false;
  bool running_ = false;
};

template <class Yield, class Send>
class AsyncGenerator<Yield, Send>::promise_type {
 public:
  /// Waits at the opening brace as at any co_yield: one may throw in here too.
  struct Start : std::suspend_always {
    explicit Start(promise_type& promise) : body(promise) {}
    void await_resume() { body.state_->receive(); }
    promise_type& body;
  };

  struct Pause : std::suspend_always {
    Pause(State& state, Value<Yield> yielded)
        : self(state), value(std::move(yielded)) {}
    void await_suspend(CoroutineHandle) { self.yielded_ = &value; }
    auto await_resume() {
      if constexpr (std::is_void_v<Send>) {
        self.receive();
      } else {
        return self.receive();
      }
    }
    State& self;
    Value<Yield> value;
  };

  /// `co_await` in the body: the coroutine in whose place it runs waits.
  template <class Awaitable>
  struct Await {
    Await(State& state, Awaitable& awaitable)
        : self(state), awaiter(get_awaiter(awaitable)) {}
    bool await_ready() { return awaiter.await_ready(); }
    auto await_suspend(CoroutineHandle) {
      return awaiter.await_suspend(self.stand_);
    }
    decltype(auto) await_resume() { return awaiter.await_resume(); }
    State& self;
    decltype(get_awaiter(std::declval<Awaitable&>())) awaiter;
  };

  // Without memory no function begins: what get_return_object() throws makes
  // clang 14 read a frame that it has freed. (One of the two inlined, but not
  // the other, looks to g++ 12 as if they did not belong together.)
  [[gnu::noinline]] void* operator new(std::size_t size) {
    auto state = std::make_shared<State>();
    void* const frame = ::operator new(size);
    next_state_ = std::move(state);
    return frame;
  }
  [[gnu::noinline]] void operator delete(void* frame) {
    ::operator delete(frame);
  }

  AsyncGenerator get_return_object(
      const char* function = __builtin_FUNCTION()
  ) {
    state_ = next_state_.get();
    state_->body_ = CoroutineHandle::from_promise(*this);
    state_->function_ = function;
    return AsyncGenerator(std::exchange(next_state_, nullptr));
  }
  Start initial_suspend() { return Start(*this); }
  std::suspend_always final_suspend() noexcept { return {}; }
  void return_void() {}
  void unhandled_exception() { state_->error_ = std::current_exception(); }

  Pause yield_value(Value<Yield> value) {
    return Pause(*state_, std::move(value));
  }
  template <class Awaitable>
  auto await_transform(Awaitable&& awaitable) {
    return Await<std::remove_reference_t<Awaitable>>(*state_, awaitable);
  }

 private:
  /// Made with the frame, before the promise.
  static inline thread_local std::shared_ptr<State> next_state_;

  State* state_ = nullptr;
};

// ---- Its end ----

/// Closes all asynchronous generators that are half-way, at once, and waits for
/// that. run() does it. (loop.shutdown_asyncgens)
inline Coroutine<> shutdown_asyncgens(EventLoop& loop = get_running_loop()) {
  std::vector<AnyAsyncGenerator> generators;
  std::vector<Coroutine<>> closings;
  for (const auto& [number, known] : std::exchange(loop.asyncgens(), {})) {
    if (auto state = known.lock()) {
      generators.push_back(AnyAsyncGenerator(std::move(state)));
      closings.push_back(generators.back().aclose());
    }
  }
  if (closings.empty()) {
    co_return;
  }
  const auto ends = co_await gather(return_exceptions, std::move(closings));
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (is_instance<std::exception>(ends[i].exception)) {
      loop.call_exception_handler(
          "an error occurred during closing of asynchronous generator <" +
              std::string(generators[i].base().function()) + ">",
          ends[i].exception);
    }
  }
}

/// Calls aclose() of what it was given at the end of its scope, however that
/// comes: `co_await async_with(aclosing(lines), body(lines))`.
/// (contextlib.aclosing)
template <class Thing>
class aclosing {
 public:
  explicit aclosing(Thing thing) : thing_(std::move(thing)) {}

  /// For async_with.
  Coroutine<> aenter() { co_return; }
  Coroutine<> aexit(std::exception_ptr) { co_await thing_.aclose(); }

 private:
  Thing thing_;
};

// ---- Others that can be iterated over ----

/// Yields the results of as_completed(...); the first exception ends it.
/// (builtins.aiter)
template <class T>
AsyncGenerator<T> aiter(Generator<Coroutine<T>> coroutines) {
  for (auto& coroutine : coroutines) {
    if constexpr (std::is_void_v<T>) {
      co_await coroutine;
      co_yield None;
    } else {
      T result = co_await coroutine;
      co_yield std::move(result);
    }
  }
}

/// Yields what comes out of a Queue, for ever; the queue has to outlive it.
/// What is cancelled while it waits for an item has ended.
template <class Queue, class T = AwaitResult<
                           decltype(std::declval<Queue&>().get())>>
AsyncGenerator<T> aiter(Queue& queue) {
  while (true) {
    T item = co_await queue.get();
    co_yield std::move(item);
  }
}

}  // namespace asyncio
