// Sockets for coroutines, which wait where the system's calls would block. Each
// descriptor has one owner, and the loop hears of its end before the system
// does.
// (CPython: sock_accept and its sisters in Lib/asyncio/selector_events.py)
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include "coroutines.hpp"
#include "threads.hpp"

namespace asyncio {

/// Owns a descriptor: it is closed with this object, and the loop, if it still
/// lives, is told.
class Socket {
 public:
  /// Takes over `fd` and makes it non-blocking.
  explicit Socket(int fd, EventLoop& loop = get_running_loop())
      : loop_(loop.lifeline()), fd_(fd) {
    try {
      set_nonblocking(fd);
      prevent_sigpipe(fd);
      loop.expect_forget(fd);
    } catch (...) {
      ::close(fd);
      throw;
    }
  }
  Socket(Socket&& other) noexcept
      : loop_(std::move(other.loop_)), fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket other) noexcept {
    std::swap(loop_, other.loop_);
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() { close(); }

  /// The descriptor, or -1 once it is closed. (socket.fileno)
  int fileno() const { return fd_; }

  /// So that a socket can be passed where a descriptor is asked for.
  operator int() const { return fd_; }

  /// Closes it now. (socket.close)
  void close() {
    // From here on it is closed, whatever those who are told of it do.
    const int fd = std::exchange(fd_, -1);
    if (fd < 0) {
      return;
    }
    // A copy: whoever is told may destroy this object.
    const auto loop = loop_;
    if (*loop) {
      warn_if_waited_for(**loop, fd);
      (*loop)->forget(fd);
    }
    ::close(fd);
  }

 private:
  // As in CPython, that coroutine would wait for ever; but not in silence.
  static void warn_if_waited_for(EventLoop& loop, int fd) {
    const bool waited_for = loop.is_watched(fd, EVENT_READ) ||
                            loop.is_watched(fd, EVENT_WRITE);
    if (waited_for && !loop.is_closed()) {
      char message[80];
      std::snprintf(message, sizeof message,
                    "descriptor %d is closed while a coroutine waits for it",
                    fd);
      loop.report(message, nullptr);
    }
  }

  std::shared_ptr<EventLoop*> loop_;
  int fd_;
};

/// Whether a call that failed should be made again once the socket is ready.
inline bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

/// Waits for a client. Returns its connection; throws std::system_error.
/// (loop.sock_accept)
inline Coroutine<Socket> sock_accept(int listener) {
  while (true) {
    co_await wait_readable(listener);
    const int fd = ::accept(listener, nullptr, nullptr);
    if (fd >= 0) {
      set_cloexec(fd);
      co_return Socket(fd);
    }
    if (!would_block() && errno != ECONNABORTED) {
      throw_errno("accept");
    }
  }
}

/// Reads what is there, `size` bytes at most. Returns nothing if the call is to
/// be made again.
inline std::optional<std::string> try_recv(int fd, std::size_t size) {
  // On the stack, not in a coroutine's frame: those who wait hold none.
  char buffer[64 * 1024];
  const auto count = ::recv(fd, buffer, std::min(size, sizeof buffer), 0);
  if (count < 0 && !would_block()) {
    throw_errno("recv");
  }
  if (count < 0) {
    return std::nullopt;
  }
  return std::string(buffer, static_cast<std::size_t>(count));
}

/// Waits for bytes, reads `size` of them at most. Returns an empty string when
/// the other side will send no more; throws std::system_error.
/// (loop.sock_recv)
inline Coroutine<std::string> sock_recv(int fd, std::size_t size) {
  std::optional<std::string> data;
  while (!data) {
    co_await wait_readable(fd);
    data = try_recv(fd, size);
  }
  co_return std::move(*data);
}

/// Writes all of `data`, and waits whenever the other side does not read.
/// Throws std::system_error. (loop.sock_sendall)
inline Coroutine<> sock_sendall(int fd, std::string data) {
  std::size_t sent = 0;
  while (sent < data.size()) {
    const auto count =
        ::send(fd, data.data() + sent, data.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
    } else if (would_block()) {
      co_await wait_writable(fd);
    } else {
      throw_errno("send");
    }
  }
}

/// Looks `host` up, in a thread if it is a name. Throws std::runtime_error, and
/// std::system_error if `fd` was closed meanwhile: its number may be another
/// one's by now. (BaseEventLoop._ensure_resolved)
inline Coroutine<SocketAddress> ensure_resolved(
    int fd,
    std::string host,
    int port
) {
  if (is_numeric_host(host)) {
    co_return ::ensure_resolved(fd, host, port);
  }
  EventLoop& loop = get_running_loop();
  const unsigned times_forgotten = loop.times_forgotten(fd);
  const int family = family_of(fd);
  SocketAddress address = co_await to_thread(first_address, family, host, port);
  if (loop.times_forgotten(fd) != times_forgotten) {
    throw std::system_error(EBADF, std::generic_category(), "connect");
  }
  co_return address;
}

inline Coroutine<> sock_connect(int fd, SocketAddress address);

/// Connects a socket that tcp_socket() has made. Throws std::system_error.
/// (loop.sock_connect)
inline Coroutine<> sock_connect(int fd, std::string host, int port) {
  const SocketAddress address = co_await ensure_resolved(fd, host, port);
  co_await sock_connect(fd, address);
}

/// The same with an address that was looked up.
inline Coroutine<> sock_connect(int fd, SocketAddress address) {
  if (::connect(fd, address.get(), address.size) == 0) {
    co_return;
  }
  // Interrupted, it goes on in the background as well.
  if (errno != EINPROGRESS && errno != EINTR) {
    throw_errno("connect");
  }
  co_await wait_writable(fd);
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) {
    throw_errno("connect");
  }
  // libkqueue asks for the error itself, and so takes it away.
  if (error == 0) {
    error = kept_connect_error(fd);
  }
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "connect");
  }
}

}  // namespace asyncio
