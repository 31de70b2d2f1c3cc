#include "common/signals.hpp"

#include <cerrno>
#include <csignal>
#include <stdexcept>

#include <unistd.h>

#include "common/net.hpp"

namespace {

// What the handler may touch. Only lock-free types: it runs at any moment.
volatile std::sig_atomic_t pipe_to_write = -1;
volatile std::sig_atomic_t waiting = 0;

struct sigaction old_interrupt;
struct sigaction old_terminate;

void on_signal(int number) {
  if (waiting != 0) {
    _exit(128 + number);
  }
  waiting = 1;
  const int error = errno;
  const char byte = static_cast<char>(number);
  // A full pipe would do as well: it is readable already.
  [[maybe_unused]] const auto written = write(pipe_to_write, &byte, 1);
  errno = error;
}

void install(int number, struct sigaction* old) {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGINT);
  sigaddset(&action.sa_mask, SIGTERM);
  action.sa_flags = SA_RESTART;
  if (sigaction(number, &action, old) == -1) {
    throw_errno("sigaction");
  }
}

}  // namespace

SignalPipe::SignalPipe() {
  if (pipe_to_write != -1) {
    throw std::logic_error{"there is a SignalPipe already"};
  }
  int ends[2];
  if (pipe(ends) == -1) {
    throw_errno("pipe");
  }
  for (const int end : ends) {
    set_cloexec(end);
    set_nonblocking(end);
  }
  read_end_ = ends[0];
  write_end_ = ends[1];
  waiting = 0;
  pipe_to_write = write_end_;
  install(SIGINT, &old_interrupt);
  install(SIGTERM, &old_terminate);
}

SignalPipe::~SignalPipe() {
  // The handlers go first: none may find the pipe closed.
  sigaction(SIGINT, &old_interrupt, nullptr);
  sigaction(SIGTERM, &old_terminate, nullptr);
  pipe_to_write = -1;
  close(write_end_);
  close(read_end_);
}

int SignalPipe::drain() {
  char bytes[16];
  int last = 0;
  for (;;) {
    const auto count = read(read_end_, bytes, sizeof bytes);
    if (count > 0) {
      last = bytes[count - 1];
    } else if (count == 0 || errno != EINTR) {
      break;
    }
  }
  if (last != 0) {
    waiting = 0;
  }
  return last;
}
