// What the bench subcommands measure with.
#pragma once

#include <cstdint>

/// CPU time of this process in ns. On one core it equals wall time, and it
/// survives a noisy neighbour.
std::uint64_t cpu_ns();

/// Monotonic wall-clock time in ns.
std::uint64_t wall_ns();

/// Bytes of memory that this process holds (resident set), 0 where unknown.
std::uint64_t rss_bytes();

/// The next of a pseudo-random sequence of 1000 to 8999 microseconds; the
/// same sequence for every contender that starts with the same state.
inline std::uint32_t delay_us(std::uint32_t* rng) {
  *rng = *rng * 1664525u + 1013904223u;
  return 1000u + (*rng >> 8) % 8000u;
}

/// Measures one workload and prints one line, `ns=... bytes=... n=...`: CPU
/// time and memory per operation.
class Stopwatch {
 public:
  explicit Stopwatch(long n_operations = 1'000'000, long n_tasks = 2);

  /// From the command line: --n and --tasks.
  long n;
  long tasks;

  /// Begins measuring; what came before does not count.
  void start();

  /// Call it while everything to be weighed is alive.
  void memory_now();

  /// Burns 12 ms, so that every timer is due when the loop next looks; its
  /// CPU time is not counted.
  void burn_12ms();

  /// Ends measuring and prints the line.
  void stop(long operations);

 private:
  std::uint64_t cpu_at_start_ = 0;
  std::uint64_t burnt_ = 0;
  std::uint64_t rss_at_start_ = 0;
  std::uint64_t rss_ = 0;
};
