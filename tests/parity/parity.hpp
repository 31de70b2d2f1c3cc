// The C++ half of a parity pair: what this asyncio does, told in lines.
// parity.py is the other half and explains both.
#pragma once

#include <cstdio>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"

namespace parity {

struct Case {
  std::string topic;
  std::string name;
  std::function<void()> run;
};

inline std::vector<Case>& cases() {
  static std::vector<Case> all;
  return all;
}

struct Register {
  Register(const std::string& file, const char* name,
           std::function<void()> run) {
    const std::size_t begin = file.rfind('/') + 1;
    const std::string topic = file.substr(begin, file.rfind('.') - begin);
    cases().push_back(Case{topic, name, std::move(run)});
  }
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
inline std::string name(const std::exception_ptr& exception) {
  const auto with = [](const char* type, const std::string& text) {
    return type + (text.empty() ? "" : ": " + text);
  };
  if (!exception) {
    return "None";
  }
  try {
    std::rethrow_exception(exception);
  } catch (const ValueError& error) {
    return with("ValueError", error.what());
  } catch (const KeyError& error) {
    return with("KeyError", error.what());
  } catch (const asyncio::CancelledError& error) {
    return with("CancelledError", error.message);
  } catch (const asyncio::InvalidStateError& error) {
    return with("InvalidStateError", error.what());
#if __has_include("concurrent_futures.hpp")
  } catch (const asyncio::TimeoutError&) {
    return "TimeoutError";
  } catch (const asyncio::concurrent::CancelledError&) {
    return "CancelledError";
#endif
#if __has_include("locks.hpp")
  } catch (const asyncio::BrokenBarrierError& error) {
    return with("BrokenBarrierError", error.what());
  } catch (const asyncio::QueueEmpty&) {
    return "QueueEmpty";
  } catch (const asyncio::QueueFull&) {
    return "QueueFull";
  } catch (const std::invalid_argument& error) {
    return with("ValueError", error.what());
#endif
  } catch (const std::exception& error) {
    return with("RuntimeError", error.what());
  } catch (...) {
    return "unknown";
  }
}

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

/// The type of what the call throws, or "nothing".
template <class Call>
std::string raises(Call call) {
  try {
    static_cast<void>(call());
  } catch (...) {
    const std::string full = name(std::current_exception());
    return full.substr(0, full.find(':'));
  }
  return "nothing";
}

/// The loop's clock, as both halves print it.
inline std::string now() {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f",
                asyncio::get_running_loop().time().count());
  return text;
}

/// Makes a loop's reports lines.
inline void report_in_lines(asyncio::EventLoop& loop) {
  loop.set_exception_handler(
      [](const std::string& message, std::exception_ptr exception) {
        // What follows names an object.
        const std::string text = message.substr(0, message.find(" <"));
        say("loop: " + text + (exception ? ": " + name(exception) : ""));
      });
}

/// Makes a loop's clock virtual and its reports lines.
inline void prepare(asyncio::EventLoop& loop) {
  loop.use_virtual_clock();
  report_in_lines(loop);
}

#if __has_include("runners.hpp")
/// Runs a case's coroutine as asyncio.run does, on a virtual clock.
inline void run(asyncio::Coroutine<> main) {
  asyncio::Runner runner;
  prepare(runner.get_loop());
  runner.run(std::move(main));
}
#else
/// Before there is a Runner: until all is done.
inline void run(asyncio::Coroutine<> main) {
  asyncio::EventLoop loop;
  prepare(loop);
  asyncio::create_task(std::move(main), loop);
  loop.run_until_idle();
}
#endif

#if __has_include("threads.hpp")
/// The same on a real clock: a virtual one does not wait for threads.
inline void run_beside_threads(asyncio::Coroutine<> main) {
  asyncio::Runner runner;
  report_in_lines(runner.get_loop());
  runner.run(std::move(main));
}
#endif

}  // namespace parity

/// A case that is a coroutine: PARITY(name) { co_await ...; }
#define PARITY(name)                                            \
  static asyncio::Coroutine<> case_##name();                    \
  static const parity::Register register_##name(                \
      __FILE__, #name, [] { parity::run(case_##name()); });     \
  static asyncio::Coroutine<> case_##name()

/// A case that is a coroutine and waits for threads.
#define PARITY_THREADS(name)                                                \
  static asyncio::Coroutine<> case_##name();                                \
  static const parity::Register register_##name(                            \
      __FILE__, #name, [] { parity::run_beside_threads(case_##name()); });  \
  static asyncio::Coroutine<> case_##name()

/// A case that is a plain function and makes its own loop.
#define PARITY_PLAIN(name)                                      \
  static void case_##name();                                    \
  static const parity::Register register_##name(                \
      __FILE__, #name, case_##name);                            \
  static void case_##name()

#ifndef PARITY_HAS_MAIN
/// NN_parity [TOPIC [CASE...]]: all topics, all cases of one, or some.
int main(int argc, char** argv) {
  for (const auto& each : parity::cases()) {
    bool wanted = argc < 3;
    for (int i = 2; i < argc; ++i) {
      wanted = wanted || each.name == argv[i];
    }
    if (wanted && (argc < 2 || each.topic == argv[1])) {
      parity::say("== " + each.name);
      each.run();
    }
  }
}
#endif
