// Ends a test that hangs.
#pragma once

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/time.h>
#include <unistd.h>

/// Aborts, and says on stderr what hangs, unless it is destroyed in time. The
/// newest counts. It has no thread: a child of fork() would inherit half of it.
class Watchdog {
 public:
  /// `what` is about to begin. It may compute for so many seconds, and end so
  /// many seconds from now.
  Watchdog(const std::string& what, int of_cpu, int by_the_clock) {
    text_ = what + " hangs\n";
    std::signal(SIGPROF, bark);
    std::signal(SIGALRM, bark);
    set(of_cpu, by_the_clock);
  }
  ~Watchdog() { set(0, 0); }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  static void set(int of_cpu, int by_the_clock) {
    itimerval time = {};
    time.it_value.tv_sec = of_cpu;
    ::setitimer(ITIMER_PROF, &time, nullptr);
    time.it_value.tv_sec = by_the_clock;
    ::setitimer(ITIMER_REAL, &time, nullptr);
  }

  // Only what is allowed while anything else may be under way, malloc() for
  // example: so nothing that doctest would do at an abort.
  static void bark(int) {
    [[maybe_unused]] const auto written =
        ::write(STDERR_FILENO, text_.data(), text_.size());
    std::signal(SIGABRT, SIG_DFL);
    std::abort();
  }

  static inline std::string text_;
};
