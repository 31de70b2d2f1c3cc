// Ctrl-C for a program that waits in a select loop.
#pragma once

/// Turns SIGINT and SIGTERM into a byte in a pipe (the self-pipe trick), so
/// that a loop can wait for them as for any other descriptor. A second signal
/// that comes before the first was drained ends the process with 128 + its
/// number: a program that hangs can still be stopped.
///
/// One at a time: a second one alive throws std::logic_error.
class SignalPipe {
 public:
  SignalPipe();
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  /// Readable when a signal has come.
  int fileno() const { return read_end_; }

  /// Empties the pipe. Returns the last signal's number, 0 if none came.
  int drain();

 private:
  int read_end_ = -1;
  int write_end_ = -1;
};
