// The tables of programs in a stage's binary: each file of demos/ adds its own.
#pragma once

#include <vector>

class Stopwatch;

/// An entry that a source file adds to the binary by defining a static object:
///
///   static const Demo<void()> count_demo{"count", "counts up", count};
///
/// Entries of one purpose (Tag) and signature are one table.
template <class Signature, class Tag>
class Program;

template <class R, class... Args, class Tag>
class Program<R(Args...), Tag> {
 public:
  using Run = R (*)(Args...);

  /// The strings are kept as pointers: pass literals.
  Program(const char* program_name, const char* program_help, Run program_run)
      : name{program_name}, help{program_help}, run{program_run} {
    auto& programs = table();
    auto place = programs.begin();
    while (place != programs.end() && less(place->name, name)) {
      ++place;
    }
    programs.insert(place, *this);
  }

  const char* name;
  const char* help;
  Run run;

  /// All entries of this kind, sorted by name.
  static const std::vector<Program>& all() { return table(); }

 private:
  // A function's static: it exists before the first entry registers.
  static std::vector<Program>& table() {
    static std::vector<Program> programs;
    return programs;
  }

  static bool less(const char* a, const char* b) {
    while (*a != '\0' && *a == *b) {
      ++a;
      ++b;
    }
    return static_cast<unsigned char>(*a) < static_cast<unsigned char>(*b);
  }
};

struct DemoTag;
struct ServerTag;
struct BlockingServerTag;
struct BenchTag;
struct BenchTableTag;

/// What `BIN demo NAME` runs.
template <class Signature>
using Demo = Program<Signature, DemoTag>;

/// What `BIN serve NAME` runs.
template <class Signature>
using Server = Program<Signature, ServerTag>;

/// What `BIN serve NAME --blocking` runs, on a blocking listener.
using BlockingServer = Program<void(int), BlockingServerTag>;

/// What `BIN bench NAME` runs.
using Bench = Program<void(Stopwatch&), BenchTag>;

/// What `BIN bench` without a name runs: one a binary.
using BenchTable = Program<void(), BenchTableTag>;
