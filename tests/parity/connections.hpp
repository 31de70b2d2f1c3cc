// What the pairs about connections share: protocols that say what they are
// told, and the other end of a connection. connections.py is the other half.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "asyncio.hpp"
#include "parity.hpp"

namespace parity {

using Hook = std::function<void()>;

/// More than a pair of sockets takes at once.
inline const std::string BIG(1024 * 1024, 'x');

inline void nothing() {}

inline void boom() { throw ValueError("boom"); }

/// The error's type: what the system says is no matter.
inline std::string kind(const std::exception_ptr& exception) {
  try {
    if (exception) {
      std::rethrow_exception(exception);
    }
  } catch (const std::system_error& error) {
    switch (error.code().value()) {
      case EPIPE:
        return "BrokenPipeError";
      case ECONNRESET:
        return "ConnectionResetError";
      case ECONNREFUSED:
        return "ConnectionRefusedError";
      case ENOENT:
        return "FileNotFoundError";
      default:
        return "OSError";
    }
  } catch (...) {
    const std::string full = name(exception);
    return full.substr(0, full.find(':'));
  }
  return "None";
}

/// Says each call; what a case does in one is a hook, such as on_made.
template <class Base, class Transport = asyncio::Transport>
struct Recording : Base {
  explicit Recording(std::string its_label) : label(std::move(its_label)) {}

  template <class... Words>
  void tell(const Words&... words) {
    say(label, words...);
  }

  void connection_made(Transport its_transport) override {
    transport = its_transport;
    made = true;
    tell("made");
    on_made();
  }
  void connection_lost(std::exception_ptr exception) override {
    lost = true;
    tell("lost", kind(exception));
    on_lost();
  }
  void pause_writing() override {
    paused = true;
    tell("pause");
    on_pause();
  }
  void resume_writing() override {
    paused = false;
    tell("resume");
    on_resume();
  }

  void got(std::string_view data) {
    received += data;
    // Large pieces come as the kernel likes.
    if (data.size() < 100) {
      tell("data", data);
    }
    on_data();
  }

  std::string label;
  Transport transport;
  std::string received;
  bool keep_open = false;
  bool made = false;
  bool ended = false;
  bool lost = false;
  bool paused = false;
  Hook on_made = nothing;
  Hook on_data = nothing;
  Hook on_eof = nothing;
  Hook on_lost = nothing;
  Hook on_pause = nothing;
  Hook on_resume = nothing;
};

/// The same of a connection, which has an end.
template <class Base>
struct StreamRecording : Recording<Base> {
  using Recording<Base>::Recording;

  bool eof_received() override {
    this->ended = true;
    this->tell("eof");
    this->on_eof();
    return this->keep_open;
  }
};

struct Recorder : StreamRecording<asyncio::Protocol> {
  explicit Recorder(std::string its_label = "ours")
      : StreamRecording(std::move(its_label)) {}
  void data_received(std::string_view data) override { got(data); }
};

struct BufferedRecorder : StreamRecording<asyncio::BufferedProtocol> {
  explicit BufferedRecorder(std::size_t size, std::string its_label = "ours")
      : StreamRecording(std::move(its_label)), buffer(size, '\0') {}
  std::span<char> get_buffer(std::ptrdiff_t sizehint) override {
    tell("get", sizehint);
    on_get();
    return buffer;
  }
  void buffer_updated(std::size_t size) override {
    got(std::string_view(buffer).substr(0, size));
  }

  std::string buffer;
  Hook on_get = nothing;
};

inline std::shared_ptr<Recorder> recorder(std::string label = "ours") {
  return std::make_shared<Recorder>(std::move(label));
}

inline std::shared_ptr<BufferedRecorder> buffered(
    std::size_t size,
    std::string label = "ours"
) {
  return std::make_shared<BufferedRecorder>(size, std::move(label));
}

/// The other end, without a loop: its calls do not wait.
/// What a case leaves open stays open: its end is not to be told.
class Peer {
 public:
  explicit Peer(int fd) : fd_(fd) { set_nonblocking(fd); }

  void send(std::string_view text) {
    static_cast<void>(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL));
  }

  /// All that is there; ended tells whether there will be more.
  std::string receive() {
    std::string text;
    char buffer[64 * 1024];
    while (!ended) {
      const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
      if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        break;
      }
      ended = count <= 0;
      text.append(buffer, ended ? 0 : static_cast<std::size_t>(count));
    }
    return text;
  }

  int fileno() const { return fd_; }

  void send_eof() { ::shutdown(fd_, SHUT_WR); }

  void close() { ::close(fd_); }

  void reset() {
    const linger at_once{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
  }

  bool ended = false;

 private:
  int fd_;
};

/// Says how it ends.
template <class Awaitable>
asyncio::Coroutine<> outcome(std::string label, Awaitable awaitable) {
  try {
    static_cast<void>(co_await awaitable);
    say(label, "done");
  } catch (...) {
    say(label, kind(std::current_exception()));
  }
}

/// Lets the loop run until it holds.
inline asyncio::Coroutine<> until(Call<bool> condition) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::seconds(5);
  while (!condition()) {
    if (Clock::now() > end) {
      say("never");
      co_return;
    }
    co_await asyncio::sleep(asyncio::Seconds(0));
  }
}

/// Lets all happen that can without anybody else.
inline asyncio::Coroutine<> settle() {
  for (int i = 0; i < 20; ++i) {
    co_await asyncio::sleep(asyncio::Seconds(0));
  }
}

template <class P>
using Connected =
    asyncio::Coroutine<std::pair<asyncio::Transport, std::shared_ptr<P>>>;

/// Connects the protocol through a socket.
template <class P>
Connected<P> connect(std::shared_ptr<P> protocol, int fd) {
  const auto factory = [protocol] { return protocol; };
  co_return co_await asyncio::create_connection(factory, asyncio::Socket(fd));
}

/// Connects the protocol with a server of this machine.
template <class P>
Connected<P> dial(std::shared_ptr<P> protocol, int port) {
  const auto factory = [protocol] { return protocol; };
  co_return co_await asyncio::create_connection(factory, "127.0.0.1", port);
}

/// A server for one connection.
template <class P>
asyncio::Coroutine<asyncio::Server> serve(std::shared_ptr<P> protocol) {
  const auto factory = [protocol] { return protocol; };
  co_return co_await asyncio::create_server(factory, "127.0.0.1", 0);
}

/// Connects the protocol with a peer.
template <class P>
asyncio::Coroutine<Peer> wire(std::shared_ptr<P> protocol) {
  const auto [here, there] = stream_pair();
  const int fd = there;
  co_await connect(protocol, here);
  co_return Peer(fd);
}

/// Connects two protocols with one another.
template <class One, class Two>
asyncio::Coroutine<> pair(std::shared_ptr<One> one, std::shared_ptr<Two> two) {
  const auto [here, there] = stream_pair();
  const int fd = there;
  co_await connect(one, here);
  co_await connect(two, fd);
}

/// Reads what the peer is sent until nothing is kept.
template <class P>
asyncio::Coroutine<std::size_t> drained(Peer& peer, P& protocol) {
  std::size_t size = 0;
  co_await until([&] {
    size += peer.receive().size();
    return protocol->transport.get_write_buffer_size() == 0;
  });
  co_return size + peer.receive().size();
}

/// Reads what the peer is sent until its end.
inline asyncio::Coroutine<std::string> until_end(Peer& peer) {
  std::string text;
  co_await until([&] {
    text += peer.receive();
    return peer.ended;
  });
  co_return text;
}

inline int server_port(const asyncio::Server& server) {
  return ::port_of(server.sockets()[0].fileno());
}

inline Peer connect_raw(int port, const std::string& host = "127.0.0.1") {
  return Peer(connect_to(host, port));
}

/// How many lines it writes there.
template <class Call>
int lines_on_stderr(Call call) {
  std::FILE* const file = std::tmpfile();
  const int before = ::dup(2);
  ::dup2(::fileno(file), 2);
  call();
  std::fflush(stderr);
  ::dup2(before, 2);
  ::close(before);
  std::rewind(file);
  int lines = 0;
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
    lines += c == '\n';
  }
  std::fclose(file);
  return lines;
}

}  // namespace parity
