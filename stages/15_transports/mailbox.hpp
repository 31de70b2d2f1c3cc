// What other threads and signal handlers may touch of a loop: a list of calls,
// and a pipe that the loop watches. A byte in the pipe ends the loop's wait.
// (CPython: the self-pipe in Lib/asyncio/selector_events.py, unix_events.py)
#pragma once

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "common/net.hpp"
#include "common/ring_buffer.hpp"

namespace asyncio {

/// Takes calls from any thread. There is a byte in the pipe, or about to be, as
/// long as `woken_` is true; it is false again once the loop has read that.
class Mailbox {
 public:
  using Callback = std::function<void()>;

  /// Throws std::system_error.
  Mailbox() {
    if (::pipe(pipe_) < 0) {
      throw_errno("pipe");
    }
    for (const int end : pipe_) {
      set_cloexec(end);
      set_nonblocking(end);
    }
  }
  ~Mailbox() {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// The end of the pipe that becomes readable.
  int fileno() const { return pipe_[0]; }

  /// From any thread. Returns false once this is closed.
  bool post(Callback callback) {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) {
        return false;
      }
      calls_.push_back(std::move(callback));
      has_calls_ = true;
    }
    if (!woken_.exchange(true)) {
      write(0);
    }
    return true;
  }

  /// From a signal handler, which may only do what is safe at any moment.
  void post_signal(int number) {
    write(static_cast<char>(number));
    // For a loop that is never idle. Only now, when there is something to read.
    signalled_ = true;
  }

  /// Whether there are calls to take.
  bool has_calls() const { return has_calls_; }

  /// Whether there is a signal to read that this has not told of.
  bool take_signalled() { return signalled_ && signalled_.exchange(false); }

  /// Moves the calls to the end of `ready`.
  void take(RingBuffer<Callback>& ready) {
    const std::lock_guard lock(mutex_);
    while (!calls_.empty()) {
      ready.push_back(std::move(calls_.front()));
      calls_.pop_front();
    }
    has_calls_ = false;
  }

  /// Empties the pipe. Returns the signals that have come.
  /// (selector_events._read_from_self)
  std::string read() {
    std::string signals;
    char bytes[4096];
    std::size_t count = sizeof bytes;
    while (count == sizeof bytes) {
      const auto result = ::read(pipe_[0], bytes, sizeof bytes);
      count = result < 0 ? 0 : static_cast<std::size_t>(result);
      signals.append(bytes, count);
    }
    // Only now: who is early finds it true, and a byte that was read.
    woken_ = false;
    std::erase(signals, '\0');
    return signals;
  }

  /// Refuses calls from now on.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }

 private:
  // A full pipe would do as well: it can be read already.
  // (selector_events._write_to_self)
  void write(char byte) {
    const int error = errno;
    [[maybe_unused]] const auto written = ::write(pipe_[1], &byte, 1);
    errno = error;
  }

  int pipe_[2];
  std::atomic<bool> woken_ = false;
  std::atomic<bool> signalled_ = false;
  std::atomic<bool> has_calls_ = false;
  std::mutex mutex_;
  RingBuffer<Callback> calls_;
  bool closed_ = false;
};

/// A signal that is posted to a mailbox, until this is destroyed.
class SignalHandler {
 public:
  SignalHandler() = default;
  SignalHandler(const SignalHandler&) = delete;
  SignalHandler& operator=(const SignalHandler&) = delete;
  ~SignalHandler() {
    if (number_ != 0) {
      ::sigaction(number_, &before_, nullptr);
      mailboxes_[number_] = nullptr;
      // In another thread it may be under way, and the mailbox about to go.
      while (posting_ > 0) {
        std::this_thread::yield();
      }
    }
  }

  /// Throws as EventLoop::add_signal_handler.
  void install(int number, Mailbox& mailbox, int flags) {
    const std::string name = "signal " + std::to_string(number);
    if (number < 1 || number >= NSIG) {
      throw std::invalid_argument("there is no " + name);
    }
    Mailbox* owner = number_ == 0 ? nullptr : &mailbox;
    if (!mailboxes_[number].compare_exchange_strong(owner, &mailbox)) {
      throw std::runtime_error("another loop handles " + name);
    }
    struct sigaction action = {};
    action.sa_handler = post;
    action.sa_flags = SA_RESTART | flags;
    struct sigaction before;
    if (::sigaction(number, &action, &before) < 0) {
      mailboxes_[number] = nullptr;
      throw std::runtime_error(name + " cannot be caught");
    }
    if (number_ == 0) {
      number_ = number;
      before_ = before;
    }
  }

  Mailbox::Callback callback;

 private:
  static void post(int number) {
    ++posting_;
    if (Mailbox* const mailbox = mailboxes_[number]) {
      mailbox->post_signal(number);
    }
    --posting_;
  }

  /// By signal: a process has one handler for each.
  static inline std::atomic<Mailbox*> mailboxes_[NSIG] = {};
  /// How many threads are in post().
  static inline std::atomic<int> posting_ = 0;

  int number_ = 0;
  struct sigaction before_ = {};
};

}  // namespace asyncio
