// Records what the loop did, in Chrome's Trace Event Format (ui.perfetto.dev
// opens it). Hooks are single lines; off, each costs one predictable branch.
#pragma once

namespace trace {

inline bool on = false;

/// Begins recording. The file is whole after finish(), which runs at exit if
/// not before; until then it holds what was recorded up to a moment ago.
/// Throws std::system_error: "cannot write FILE: Permission denied".
void start(const char* file);

/// Ends recording. Throws what writing the file could not do.
void finish();

/// A number or text to show: also a duration (its count) and an optional
/// (nothing shows as "none"). Text is copied when it is recorded.
class Value {
 public:
  enum class Kind { nothing, integer, real, text };

  Value() {}
  Value(decltype(nullptr)) {}
  Value(int value) : Value{static_cast<long long>(value)} {}
  Value(unsigned value) : Value{static_cast<long long>(value)} {}
  Value(long value) : Value{static_cast<long long>(value)} {}
  Value(unsigned long value) : Value{static_cast<long long>(value)} {}
  Value(unsigned long long value) : Value{static_cast<long long>(value)} {}
  Value(long long value) : kind{Kind::integer}, integer{value} {}
  Value(double value) : kind{Kind::real}, real{value} {}
  Value(const char* value) : kind{Kind::text}, text{value} {}

  template <class Duration>
    requires requires(const Duration& duration) { duration.count(); }
  Value(const Duration& duration) : Value{duration.count()} {}

  template <class Optional>
    requires requires(const Optional& optional) {
      optional.has_value();
      *optional;
    }
  Value(const Optional& optional)
      : Value{optional.has_value() ? Value{*optional} : Value{}} {}

  Kind kind = Kind::nothing;
  union {
    long long integer = 0;
    double real;
    const char* text;
  };
};

/// What the loop does from here to the end of the scope. Spans nest.
///
///   trace::Span handle{"handle", "number", number};
class Span {
 public:
  explicit Span(const char* name) {
    if (on) {
      begin(name);
    }
  }
  Span(const char* name, const char* key, Value value) {
    if (on) {
      begin(name);
      put(key, value);
    }
  }
  ~Span() {
    if (data_ != nullptr) {
      end();
    }
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

  /// Adds an argument that is known only now.
  void add(const char* key, Value value) {
    if (data_ != nullptr) {
      put(key, value);
    }
  }

  struct Data;

  // For finish(): writes it and returns the span around it.
  Span* close_unfinished();

 protected:
  Span() = default;
  void begin(const char* name);
  void begin_round();
  void begin_step(const void* id);

 private:
  void put(const char* key, Value value);
  void end() noexcept;

  Data* data_ = nullptr;
};

/// A round of the loop: "round 17", counted from the start of the trace.
class Round : public Span {
 public:
  Round() {
    if (on) {
      begin_round();
    }
  }
};

/// The wait in the kernel; add how many became ready: wait.add("ready", n).
class Wait : public Span {
 public:
  explicit Wait(Value timeout) : Span{"wait", "timeout", timeout} {}
};

/// The one step that a task makes from here to the end of the scope: shown in
/// the loop's track by the task's name, in the task's track as "running".
class Step : public Span {
 public:
  explicit Step(const void* id) {
    if (on) {
      begin_step(id);
    }
  }
};

namespace detail {

struct Argument {
  const char* key;
  Value value;
};

void instant(const char* name, Argument first, Argument second);
void counter(const char* name, Value value);
void born(const void* id, const char* name, const char* file, int line);
void waits(const void* id, const char* what, Value value, int line);
void waits_for(const void* id, const void* other, int line);
void woken(const void* id);
void cancelled(const void* id);
void done(const void* id, const char* how);

}  // namespace detail

/// Something that happened now: a descriptor became ready, a timer was set,
/// fired, was cancelled.
///
///   trace::instant("ready", "fd", fd, "events", "read");
///   trace::instant("timer set", "when", when);
inline void instant(
    const char* name,
    const char* key = nullptr,
    Value value = {},
    const char* second_key = nullptr,
    Value second_value = {}
) {
  if (on) {
    detail::instant(name, {key, value}, {second_key, second_value});
  }
}

/// A number to draw as a curve, such as the length of the ready queue.
inline void counter(const char* name, Value value) {
  if (on) {
    detail::counter(name, value);
  }
}

/// A task exists from now on and gets a track of its own: "echo #3". id is
/// its address until done; name, file and line say which coroutine it runs.
/// Hooks with an id that was not born are ignored.
inline void born(
    const void* id,
    const char* name,
    const char* file = nullptr,
    int line = 0
) {
  if (on) {
    detail::born(id, name, file, line);
  }
}

/// The task waits, until its next Step: "waits for readable fd 5" (an integer
/// is a descriptor), "waits for sleep 0.1 s" (a double or a duration is
/// seconds), "waits for future" (no value). line is that of the await.
inline void waits(
    const void* id,
    const char* what,
    Value value = {},
    int line = 0
) {
  if (on) {
    detail::waits(id, what, value, line);
  }
}

/// The task waits for another one: "waits for fetch #4"; "waits for future"
/// if other was not born.
inline void waits_for(const void* id, const void* other, int line = 0) {
  if (on) {
    detail::waits_for(id, other, line);
  }
}

/// What the task waited for is there; "ready" until its next Step.
inline void woken(const void* id) {
  if (on) {
    detail::woken(id);
  }
}

/// Somebody asked for the task's cancellation.
inline void cancelled(const void* id) {
  if (on) {
    detail::cancelled(id);
  }
}

/// The task's end: "done", "cancelled", "raised".
inline void done(const void* id, const char* how = "done") {
  if (on) {
    detail::done(id, how);
  }
}

}  // namespace trace
