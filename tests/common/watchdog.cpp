#include "common/watchdog.hpp"

#include <csignal>
#include <cstdio>
#include <functional>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/testing.hpp"

namespace {

struct Outcome {
  int status = 0;
  std::string said;
};

/// Runs it in a child, with a watchdog that has these limits.
Outcome watched(
    int of_cpu, int by_the_clock, const std::function<void()>& run) {
  const TemporaryFile file;
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(open(file.path().c_str(), O_WRONLY), STDERR_FILENO);
    {
      const Watchdog watchdog("the child", of_cpu, by_the_clock);
      run();
    }
    _exit(7);
  }
  Outcome outcome;
  waitpid(child, &outcome.status, 0);
  outcome.said = file.read();
  return outcome;
}

bool aborted(const Outcome& outcome) {
  return WIFSIGNALED(outcome.status) && WTERMSIG(outcome.status) == SIGABRT;
}

}  // namespace

TEST_CASE("the watchdog ends what waits for ever") {
  const Outcome outcome = watched(1000, 1, [] {
    while (true) {
      pause();
    }
  });
  CHECK(aborted(outcome));
  CHECK(outcome.said == "the child hangs\n");
}

TEST_CASE("the watchdog ends what computes for ever") {
  const Outcome outcome = watched(1, 1000, [] {
    for (volatile bool again = true; again;) {
    }
  });
  CHECK(aborted(outcome));
  CHECK(outcome.said == "the child hangs\n");
}

TEST_CASE("the watchdog leaves alone what ends in time") {
  const Outcome outcome = watched(1, 1, [] {});
  CHECK(WIFEXITED(outcome.status));
  CHECK(outcome.said == "");
}

TEST_CASE("one watchdog after the other, each has its own time") {
  const Outcome outcome = watched(1000, 1000, [] {
    { const Watchdog watchdog("nobody", 1, 1); }
    const Watchdog watchdog("somebody", 1000, 1);
    while (true) {
      pause();
    }
  });
  CHECK(aborted(outcome));
  CHECK(outcome.said == "somebody hangs\n");
}
