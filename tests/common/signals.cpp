#include "common/signals.hpp"

#include <cerrno>
#include <csignal>
#include <stdexcept>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/testing.hpp"

namespace {

bool readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return poll(&entry, 1, 0) == 1;
}

// The wait status of a child that does this.
template <class Run>
int in_child(Run run) {
  const pid_t child = fork();
  if (child == 0) {
    run();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("a signal makes the pipe readable, once drained no longer") {
  SignalPipe pipe;
  CHECK(!readable(pipe.fileno()));
  CHECK(pipe.drain() == 0);
  for (const int number : {SIGINT, SIGTERM, SIGINT}) {
    std::raise(number);
    CHECK(readable(pipe.fileno()));
    CHECK(pipe.drain() == number);
    CHECK(!readable(pipe.fileno()));
  }
}

TEST_CASE("the handler keeps errno") {
  SignalPipe pipe;
  errno = EAGAIN;
  std::raise(SIGINT);
  CHECK(errno == EAGAIN);
}

TEST_CASE("a second signal before the first was handled ends the process") {
  const int status = in_child([] {
    SignalPipe pipe;
    std::raise(SIGINT);
    std::raise(SIGTERM);
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 128 + SIGTERM);
}

TEST_CASE("the destructor restores what was before and closes the pipe") {
  const int before = open_descriptors();
  { SignalPipe pipe; }
  CHECK(open_descriptors() == before);
  const int status = in_child([] {
    std::signal(SIGTERM, SIG_DFL);
    { SignalPipe pipe; }
    std::raise(SIGTERM);
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGTERM);
}

TEST_CASE("there is one at a time") {
  SignalPipe pipe;
  CHECK_THROWS_AS(SignalPipe{}, std::logic_error);
  std::raise(SIGINT);
  CHECK(pipe.drain() == SIGINT);
}
