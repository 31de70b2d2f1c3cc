// What the servers share: objects whose methods the loop calls, as Python's
// asyncore had them.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "common/net.hpp"
#include "event_loop.hpp"

/// One client; a subclass says what to reply. It reads only while nothing is
/// owed, so a client that never reads costs the memory of one reply.
class Connection {
 public:
  Connection(asyncio::EventLoop& loop, int fd, std::function<void()> gone)
      : loop_(loop), fd_(fd), gone_(std::move(gone)) {}
  virtual ~Connection() { ::close(fd_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Throws if the loop cannot wait for this descriptor.
  void start() {
    set_nonblocking(fd_);
    set_cloexec(fd_);
    set_nodelay(fd_);
    wait();
  }

 protected:
  virtual std::string reply(std::string_view received) = 0;

 private:
  void handle_read() {
    char buffer[64 * 1024];
    const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count > 0) {
      owed_ = reply({buffer, static_cast<std::size_t>(count)});
      handle_write();
    } else if (count == 0) {
      end();
    } else {
      failed("recv");
    }
  }

  void handle_write() {
    while (!owed_.empty()) {
      const auto count = ::send(fd_, owed_.data(), owed_.size(), 0);
      if (count < 0) {
        failed("send");
        return;
      }
      owed_.erase(0, static_cast<std::size_t>(count));
    }
    wait();
  }

  void failed(const char* what) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
      wait();
    } else if (errno == ECONNRESET || errno == EPIPE) {
      end();
    } else {
      throw_errno(what);
    }
  }

  // To write while something is owed, else to read: never both.
  void wait() {
    if (owed_.empty()) {
      loop_.remove_writer(fd_);
      loop_.add_reader(fd_, [this] { guarded(&Connection::handle_read); });
    } else {
      loop_.remove_reader(fd_);
      loop_.add_writer(fd_, [this] { guarded(&Connection::handle_write); });
    }
  }

  // What goes wrong with this client ends this connection and no other.
  void guarded(void (Connection::*handle)()) {
    try {
      (this->*handle)();
    } catch (...) {
      loop_.call_exception_handler("connection lost", std::current_exception());
      end();
    }
  }

  // By way of the loop: `gone` destroys this object, whose method still runs.
  void end() {
    loop_.forget(fd_);
    loop_.call_soon(gone_);
  }

  asyncio::EventLoop& loop_;
  const int fd_;
  std::function<void()> gone_;
  std::string owed_;
};

/// Accepts clients and keeps them. Outlives the loop: it must not be asked for
/// anything when it is destroyed.
template <class Client>
class Listener {
 public:
  Listener(asyncio::EventLoop& loop, int fd) : loop_(loop), fd_(fd) {
    wait_to_accept();
  }
  ~Listener() { ::close(fd_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

 private:
  void wait_to_accept() {
    loop_.add_reader(fd_, [this] { handle_accept(); });
  }

  void handle_accept() {
    const int fd = ::accept(fd_, nullptr, nullptr);
    if (fd >= 0) {
      welcome(fd);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
               errno == ENOMEM) {
      pause();
    }
    // Otherwise that client has given up already.
  }

  void welcome(int fd) {
    auto& client = clients_[fd];
    client = std::make_unique<Client>(loop_, fd, [this, fd] { gone(fd); });
    try {
      client->start();
    } catch (...) {
      loop_.call_exception_handler("client refused", std::current_exception());
      clients_.erase(fd);
    }
  }

  void gone(int fd) {
    clients_.erase(fd);
    if (paused_) {
      paused_ = false;
      wait_to_accept();
    } else {
      told_ = false;
    }
  }

  // The client stays in the queue and keeps the listener readable: the loop
  // would spin until a descriptor is closed.
  void pause() {
    if (!told_) {
      std::fprintf(
          stderr,
          "cannot accept: %s; waiting until a connection closes\n",
          std::strerror(errno)
      );
    }
    told_ = true;
    paused_ = true;
    loop_.remove_reader(fd_);
  }

  asyncio::EventLoop& loop_;
  const int fd_;
  std::unordered_map<int, std::unique_ptr<Client>> clients_;
  bool paused_ = false;
  bool told_ = false;
};
