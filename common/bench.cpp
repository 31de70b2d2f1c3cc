#include "common/bench.hpp"

#include <cstdio>
#include <ctime>

#include <unistd.h>

#ifdef __APPLE__
#include <mach/mach.h>
#else
#include <sys/resource.h>
#endif

namespace {

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

std::uint64_t cpu_ns() { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

std::uint64_t wall_ns() { return clock_ns(CLOCK_MONOTONIC); }

std::uint64_t rss_bytes() {
#if defined(__linux__)
  unsigned long size = 0;
  unsigned long resident = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%lu %lu", &size, &resident) != 2) {
      resident = 0;
    }
    std::fclose(file);
  }
  return std::uint64_t{resident} *
         static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
#elif defined(__APPLE__)
  mach_task_basic_info info{};
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  const auto status = task_info(
      mach_task_self(),
      MACH_TASK_BASIC_INFO,
      reinterpret_cast<task_info_t>(&info),
      &count
  );
  return status == KERN_SUCCESS ? info.resident_size : 0;
#else
  // The peak, in kilobytes: for what only grows it says the same.
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
#endif
}

Stopwatch::Stopwatch(long n_operations, long n_tasks)
    : n{n_operations}, tasks{n_tasks} {}

void Stopwatch::start() {
  burnt_ = 0;
  rss_ = 0;
  rss_at_start_ = rss_bytes();
  cpu_at_start_ = cpu_ns();
}

void Stopwatch::memory_now() {
  // Reading it is a system call or two: not part of what is measured.
  const auto before = cpu_ns();
  rss_ = rss_bytes();
  burnt_ += cpu_ns() - before;
}

void Stopwatch::burn_12ms() {
  const auto cpu = cpu_ns();
  const auto end = wall_ns() + 12'000'000;
  while (wall_ns() < end) {
  }
  burnt_ += cpu_ns() - cpu;
}

void Stopwatch::stop(long operations) {
  const auto ns = cpu_ns() - cpu_at_start_ - burnt_;
  const auto count = static_cast<double>(operations);
  const auto bytes = rss_ > rss_at_start_ ? rss_ - rss_at_start_ : 0;
  std::printf(
      "ns=%.3f bytes=%.1f n=%ld\n",
      static_cast<double>(ns) / count,
      static_cast<double>(bytes) / count,
      operations
  );
  std::fflush(stdout);
}
