// The C++ half of a parity pair: what this asyncio does, told in lines.
// parity.py is the other half and explains both; main.cpp runs the cases.
//
// Compiling all of them is what costs, so what is defined here is as little as
// can be, and it includes no more than tasks: a topic that needs more includes
// "asyncio.hpp".
#pragma once

#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "coroutines.hpp"
#include "event_loop.hpp"
#include "exceptions.hpp"
#include "futures.hpp"
#include "taskgroups.hpp"
#include "tasks.hpp"
#include "timeouts.hpp"

namespace parity {

/// A case is a coroutine and what runs it, or a plain function.
struct Case {
  const char* file;
  const char* name;
  asyncio::Coroutine<> (*main)() = nullptr;
  void (*run)(asyncio::Coroutine<>) = nullptr;
  void (*plain)() = nullptr;
};

std::vector<Case>& cases();

struct Register {
  explicit Register(const Case& one) { cases().push_back(one); }
};

inline const char* yes(bool value) { return value ? "True" : "False"; }

template <class Word>
const Word& shown(const Word& word) {
  return word;
}
inline const char* shown(bool word) { return yes(word); }

/// Prints a line: its arguments with a blank between them, as Python's print.
template <class... Words>
void say(const Words&... words) {
  std::ostringstream line;
  const char* between = "";
  ((line << between << shown(words), between = " "), ...);
  std::puts(line.str().c_str());
  std::fflush(stdout);
}

/// Python's exceptions that the pairs raise.
struct ValueError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct KeyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct RuntimeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// "ValueError: boom", as the Python half names it.
std::string name(const std::exception_ptr& exception);

/// What Python has a finally block for, as long as that awaits nothing.
template <class Call>
class Finally {
 public:
  explicit Finally(Call call) : call_(std::move(call)) {}
  ~Finally() { call_(); }
  Finally(const Finally&) = delete;
  Finally& operator=(const Finally&) = delete;

 private:
  Call call_;
};

/// Refers to a function that is called while its caller waits: of all types of
/// functions there is one raises() then.
template <class Result>
class Call {
 public:
  template <class Function>
  Call(const Function& function)
      : function_(&function), call_([](const void* it) -> Result {
          return static_cast<Result>((*static_cast<const Function*>(it))());
        }) {}

  Result operator()() const { return call_(function_); }

 private:
  const void* function_;
  Result (*call_)(const void*);
};

/// The type of what the call throws, or "nothing".
std::string raises(Call<void> call);

/// The loop's clock, as both halves print it.
std::string now();

/// Makes a loop's clock virtual and its reports lines.
void prepare(asyncio::EventLoop& loop);

/// Runs a case's coroutine as asyncio.run does, on a virtual clock.
void run(asyncio::Coroutine<> main);

/// The same on a real clock: a virtual one does not wait for threads.
void run_beside_threads(asyncio::Coroutine<> main);

}  // namespace parity

/// A case that is a coroutine: PARITY(name) { co_await ...; }
#define PARITY(name)                                            \
  static asyncio::Coroutine<> case_##name();                    \
  static const parity::Register register_##name(                \
      {__FILE__, #name, case_##name, parity::run, nullptr});    \
  static asyncio::Coroutine<> case_##name()

/// A case that is a coroutine and waits for threads.
#define PARITY_THREADS(name)                                    \
  static asyncio::Coroutine<> case_##name();                    \
  static const parity::Register register_##name(                \
      {__FILE__, #name, case_##name, parity::run_beside_threads, nullptr});  \
  static asyncio::Coroutine<> case_##name()

/// A case that is a plain function and makes its own loop.
#define PARITY_PLAIN(name)                                      \
  static void case_##name();                                    \
  static const parity::Register register_##name(                \
      {__FILE__, #name, nullptr, nullptr, case_##name});        \
  static void case_##name()
