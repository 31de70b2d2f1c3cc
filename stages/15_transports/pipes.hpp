// Pipes: transports in one direction only.
// (CPython: the pipe transports in Lib/asyncio/unix_events.py)
#pragma once

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "servers.hpp"
#include "transports.hpp"

namespace asyncio {

/// What a descriptor is of, as S_ISFIFO and its sisters ask.
inline mode_t mode_of(int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) < 0) {
    throw_errno("fstat");
  }
  return status.st_mode;
}

/// (unix_events._UnixReadPipeTransport)
class UnixReadPipeTransport : public SelectorSocketTransport {
 public:
  using SelectorSocketTransport::SelectorSocketTransport;

  void write(std::string_view) override { refuse(); }
  void write_eof() override { refuse(); }
  bool can_write_eof() const override { return false; }

 protected:
  ssize_t recv_some(std::span<char> buffer) override {
    return ::read(sock_, buffer.data(), buffer.size());
  }

  // There is nothing else that it could be kept open for.
  void end_reading(bool) override { close(); }

 private:
  [[noreturn]] static void refuse() {
    throw std::logic_error("a pipe for reading cannot be written to");
  }
};

/// (unix_events._UnixWritePipeTransport)
class UnixWritePipeTransport : public SelectorSocketTransport {
 public:
  using SelectorSocketTransport::SelectorSocketTransport;

  // Not behind the end.
  void write(std::string_view data) override {
    if (!closing_ || conn_lost_ > 0) {
      SelectorSocketTransport::write(data);
    }
  }

  // To close it is how the other end is told.
  void write_eof() override { close(); }

 protected:
  ssize_t send_some(std::string_view data) override {
    return ::write(sock_, data.data(), data.size());
  }

  // What is typed at a terminal is not its end.
  void add_reader() override {
    if (!S_ISCHR(mode_of(sock_))) {
      SelectorSocketTransport::add_reader();
    }
  }

  // Nothing comes from there: nobody reads any more.
  void read_ready() override {
    std::exception_ptr broken;
    if (get_write_buffer_size() > 0) {
      errno = EPIPE;
      broken = errno_exception("write");
    }
    force_close(broken);
  }
};

/// Reads from a pipe, a socket or a terminal: the protocol's data_received().
/// Throws std::invalid_argument for a file. (loop.connect_read_pipe)
template <class Factory>
Coroutine<Connection<Factory>> connect_read_pipe(
    Factory protocol_factory,
    Socket pipe
) {
  if (S_ISREG(mode_of(pipe)) || S_ISDIR(mode_of(pipe))) {
    throw std::invalid_argument("Pipe transport is for pipes/sockets only.");
  }
  return create_connection_transport<UnixReadPipeTransport>(
      std::move(protocol_factory), std::move(pipe));
}

/// Writes to a pipe, a socket or a terminal. Throws std::invalid_argument for a
/// file. (loop.connect_write_pipe)
template <class Factory>
Coroutine<Connection<Factory>> connect_write_pipe(
    Factory protocol_factory,
    Socket pipe
) {
  const mode_t mode = mode_of(pipe);
  if (S_ISREG(mode) || S_ISDIR(mode)) {
    throw std::invalid_argument(
        "Pipe transport is only for pipes, sockets and character devices");
  }
  // As Python does at its start: a pipe knows no MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  return create_connection_transport<UnixWritePipeTransport>(
      std::move(protocol_factory), std::move(pipe));
}

}  // namespace asyncio
