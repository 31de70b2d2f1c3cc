// The command line of a stage's binary, and the one table of the programs that
// it runs: each file of demos/ adds its own.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#ifndef STAGE_NAME
#define STAGE_NAME "program"
#endif

class Stopwatch;

/// What the binary can run, for as long as this object exists. Define one of
/// the types below:
///
///   static const Demo<void()> count_demo{"count", "counts up", count};
///
/// The strings are kept as pointers: pass literals.
class Program {
 public:
  enum class Kind { demo, server, blocking_server, bench, bench_table };

  /// What the command line has for a program: a listener, a stopwatch.
  using Given = std::tuple<int, Stopwatch&>;

  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// All of them, in no order.
  static std::vector<const Program*>& all() {
    // A function's static: it exists before the first program.
    static std::vector<const Program*> programs;
    return programs;
  }

  const Kind kind;
  const char* const name;
  const char* const help;
  const std::function<void(Given)> run;

 protected:
  Program(
      Kind its_kind,
      const char* its_name,
      const char* its_help,
      std::function<void(Given)> its_run
  )
      : kind{its_kind}, name{its_name}, help{its_help}, run{its_run} {
    all().push_back(this);
  }
  ~Program() { std::erase(all(), this); }
};

/// A program made of a function that is called with what is Wanted of Given.
template <Program::Kind kind_of_it, class Signature, class... Wanted>
class ProgramOf : public Program {
 public:
  ProgramOf(const char* its_name, const char* its_help, Signature* function)
      : Program{
            kind_of_it,
            its_name,
            its_help,
            [function]([[maybe_unused]] Given given) {
              call(function, std::get<Wanted>(given)...);
            }
        } {}

  /// How functions of another signature than that are run: main() says.
  static inline std::function<void(Signature*, Wanted...)> run_with;

 private:
  static void call(Signature* function, Wanted... wanted) {
    if constexpr (std::is_same_v<Signature, void(Wanted...)>) {
      function(wanted...);
    } else if (run_with) {
      run_with(function, wanted...);
    } else {
      throw std::logic_error{"main() does not say how to run it"};
    }
  }
};

/// What `BIN demo NAME` runs.
template <class Signature>
using Demo = ProgramOf<Program::Kind::demo, Signature>;

/// What `BIN serve NAME` runs with a listening, non-blocking socket, which is
/// its own to close. Until it handles SIGINT and SIGTERM itself, they end the
/// process with exit status 0.
template <class Signature>
using Service = ProgramOf<Program::Kind::server, Signature, int>;

/// What `BIN serve NAME --blocking` runs: the same with a blocking socket.
using BlockingService =
    ProgramOf<Program::Kind::blocking_server, void(int), int>;

/// What `BIN bench NAME --n N --tasks T` runs.
using Bench = ProgramOf<Program::Kind::bench, void(Stopwatch&), Stopwatch&>;

/// What `BIN bench` without a name runs: one a binary.
using BenchTable = ProgramOf<Program::Kind::bench_table, void()>;

/// Runs what the arguments ask for, of the programs that exist when this begins
/// to. A subcommand exists only when there is a program for it.
class CommandLine {
 public:
  explicit CommandLine(const char* stage = STAGE_NAME);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Adds `--trace FILE`.
  void tracing();

  /// Adds an option of the whole binary, such as `--selector NAME`, that
  /// takes one of the choices and hands it to set before anything runs.
  void option(
      const std::string& name,
      const std::string& help,
      std::vector<std::string> choices,
      std::function<void(const std::string&)> set
  );

  /// Returns the exit status: 1 when what ran failed, with one line on
  /// stderr; CLI11's for a usage error.
  int run(int argc, char** argv);

 private:
  struct Data;
  std::unique_ptr<Data> data_;
};
