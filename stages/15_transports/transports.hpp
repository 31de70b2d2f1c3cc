// Transports: the loop reads and writes, and calls a protocol. What the kernel
// does not take at once is kept, and sent when it can be.
// (CPython: Lib/asyncio/transports.py, selector_events.py)
#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <algorithm>
#include <any>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/is_instance.hpp"
#include "common/net.hpp"
#include "common/trace.hpp"
#include "protocols.hpp"
#include "sockets.hpp"

namespace asyncio {

// ---- What all transports share ----

/// The error that errno tells of.
inline std::exception_ptr errno_exception(const char* what) {
  return std::make_exception_ptr(
      std::system_error(errno, std::generic_category(), what));
}

/// A socket that belongs to a transport or a server, which closes it.
/// (asyncio.trsock.TransportSocket)
class TransportSocket {
 public:
  TransportSocket() = default;
  explicit TransportSocket(std::shared_ptr<const Socket> sock)
      : sock_(std::move(sock)) {}

  /// Returns -1 once it is closed. (socket.fileno)
  int fileno() const { return sock_ ? sock_->fileno() : -1; }

  /// (socket.getsockname)
  SocketAddress getsockname() const { return sockname_of(fileno()); }

  /// (socket.getpeername)
  SocketAddress getpeername() const { return peername_of(fileno()); }

 private:
  std::shared_ptr<const Socket> sock_;
};

/// Stands between a socket and a protocol. The loop owns it until it has called
/// connection_lost(): so its callbacks are good for as long as they are known.
/// (selector_events._SelectorTransport, transports._FlowControlMixin)
class SelectorTransport
    : public Work,
      public std::enable_shared_from_this<SelectorTransport> {
 public:
  /// How much is read at once. (_SelectorTransport.max_size)
  static constexpr std::size_t max_size = 256 * 1024;

  SelectorTransport(EventLoop& loop, Socket sock)
      : loop_(loop),
        sock_(std::move(sock)),
        extra_(std::make_unique<Extra>(sock_)) {}
  SelectorTransport(const SelectorTransport&) = delete;
  SelectorTransport& operator=(const SelectorTransport&) = delete;

  /// Begins; `waiter` is done once connection_made() was called.
  /// (_SelectorSocketTransport.__init__)
  void start(const Future<>& waiter) {
    try {
      loop_.call_soon([this] { connection_made(); });
      // Not before the protocol knows of it.
      loop_.call_soon([this] {
        call_or_fail([this] { add_reader(); }, "Fatal error: cannot read");
      });
      loop_.call_soon([waiter] {
        if (!waiter.done()) {
          waiter.set_result();
        }
      });
    } catch (...) {
      // Nobody has it but the loop, and the protocol perhaps.
      force_close(nullptr);
      throw;
    }
  }

  // ---- Reading ----

  bool is_reading() const { return !closing_ && !paused_; }

  void pause_reading() {
    if (is_reading()) {
      paused_ = true;
      loop_.remove_reader(sock_);
    }
  }

  void resume_reading() {
    if (!closing_ && paused_) {
      paused_ = false;
      add_reader();
    }
  }

  // ---- Flow control ----

  virtual std::size_t get_write_buffer_size() const = 0;

  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const {
    return {low_water_, high_water_};
  }

  /// Whether the protocol was told to pause, and not yet to resume.
  bool is_writing_paused() const { return protocol_paused_; }

  void set_write_buffer_limits(
      std::optional<std::size_t> high,
      std::optional<std::size_t> low
  ) {
    const std::size_t new_high = high.value_or(low ? 4 * *low : 64 * 1024);
    const std::size_t new_low = low.value_or(new_high / 4);
    if (new_high < new_low) {
      throw std::invalid_argument("high (" + std::to_string(new_high) +
                                  ") must be >= low (" +
                                  std::to_string(new_low) + ")");
    }
    high_water_ = new_high;
    low_water_ = new_low;
    maybe_pause_protocol();
  }

  // ---- The end ----

  bool is_closing() const { return closing_; }

  void close() {
    if (closing_) {
      return;
    }
    // First: without memory nothing has happened.
    if (get_write_buffer_size() == 0) {
      lose_connection(nullptr);
    }
    closing_ = true;
    loop_.remove_reader(sock_);
  }

  void abort() { force_close(nullptr); }

  // The loop closes: as in CPython, the protocol is not told.
  void abandon() override {
    closing_ = true;
    ++conn_lost_;
    clear_write_buffer();
    let_go();
  }

  // ---- The rest ----

  const std::shared_ptr<BaseProtocol>& get_protocol() const {
    return protocol_;
  }

  virtual std::any get_extra_info(const std::string& name) const {
    if (name == "peername" && extra_->peername.size > 0) {
      return extra_->peername;
    }
    if (name == "sockname" && extra_->sockname.size > 0) {
      return extra_->sockname;
    }
    if (name == "socket") {
      return TransportSocket({shared_from_this(), &sock_});
    }
    return {};
  }

 protected:
  virtual void connection_made() = 0;
  virtual void read_ready() = 0;
  virtual void write_ready() = 0;
  virtual void clear_write_buffer() = 0;

  /// All is sent, and it goes on.
  virtual void drained() {}

  virtual void add_reader() {
    if (is_reading()) {
      loop_.add_reader(sock_, [this] { read_ready(); });
    }
  }

  void add_writer() {
    loop_.add_writer(sock_, [this] { write_ready(); });
  }

  /// To be called whenever more is kept than before.
  void maybe_pause_protocol() {
    if (!protocol_paused_ && get_write_buffer_size() > high_water_) {
      protocol_paused_ = true;
      trace::instant("pause writing", "fd", sock_.fileno());
      call_protocol(&BaseProtocol::pause_writing,
                    "protocol.pause_writing() failed");
    }
  }

  /// To be called whenever less is.
  void maybe_resume_protocol() {
    if (protocol_paused_ && get_write_buffer_size() <= low_water_) {
      protocol_paused_ = false;
      trace::instant("resume writing", "fd", sock_.fileno());
      call_protocol(&BaseProtocol::resume_writing,
                    "protocol.resume_writing() failed");
    }
  }

  /// To be called when the socket has taken something.
  void written() {
    if (conn_lost_ > 0) {
      return;
    }
    // It may write more, or close this.
    maybe_resume_protocol();
    if (get_write_buffer_size() > 0 || conn_lost_ > 0) {
      return;
    }
    loop_.remove_writer(sock_);
    if (closing_) {
      ++conn_lost_;
      call_connection_lost();
    } else {
      drained();
    }
  }

  // (constants.LOG_THRESHOLD_FOR_CONNLOST_WRITES)
  void count_lost_write() {
    constexpr int threshold = 5;
    if (conn_lost_ >= threshold) {
      EventLoop::default_exception_handler("socket.send() raised exception.",
                                           nullptr);
    }
    ++conn_lost_;
  }

  /// As they were at the beginning. Apart: they are large and seldom needed.
  struct Extra {
    explicit Extra(int fd)
        : sockname(sockname_of(fd)), peername(peername_of(fd)) {}

    SocketAddress sockname;
    SocketAddress peername;
  };

  /// Calls the protocol; what it throws ends the connection.
  template <class Call>
  void call_or_fail(Call call, const char* message) {
    try {
      call();
    } catch (const KeyboardInterrupt&) {
      throw;
    } catch (...) {
      fatal_error(std::current_exception(), message);
    }
  }

  /// An error of the system is no surprise, and is not reported.
  void fatal_error(std::exception_ptr exception, const char* message) {
    if (!is_instance<std::system_error>(exception)) {
      loop_.call_exception_handler(message, exception);
    }
    force_close(std::move(exception));
  }

  void force_close(std::exception_ptr exception) {
    if (conn_lost_ > 0) {
      return;
    }
    lose_connection(std::move(exception));
    clear_write_buffer();
    if (!std::exchange(closing_, true)) {
      loop_.remove_reader(sock_);
    }
  }

  void call_connection_lost() {
    trace::instant("connection lost", "fd", sock_.fileno());
    // Dies last: nobody else might own this.
    const auto dies_last = loop_.disown(*this);
    const auto protocol = protocol_;
    try {
      protocol->connection_lost(std::exchange(exception_, nullptr));
    } catch (...) {
      let_go();
      throw;
    }
    let_go();
  }

  /// Not to be used once the connection is lost: it may be gone.
  EventLoop& loop_;
  Socket sock_;
  std::unique_ptr<const Extra> extra_;
  std::shared_ptr<BaseProtocol> protocol_;
  /// Kept until the connection is lost: so a server counts its transports.
  std::shared_ptr<void> server_;
  bool closing_ = false;
  /// Above 0 once connection_lost() was asked for; then it counts the writes.
  int conn_lost_ = 0;

 private:
  /// Calls the protocol; what it throws is only reported.
  void call_protocol(void (BaseProtocol::*function)(), const char* message) {
    // A copy: it may be replaced meanwhile.
    const auto protocol = protocol_;
    try {
      (*protocol.*function)();
    } catch (const KeyboardInterrupt&) {
      throw;
    } catch (...) {
      loop_.call_exception_handler(message, std::current_exception());
    }
  }

  /// Not from within another call of the protocol: in the next round.
  void lose_connection(std::exception_ptr exception) {
    loop_.call_soon([this] { call_connection_lost(); });
    ++conn_lost_;
    loop_.remove_writer(sock_);
    exception_ = std::move(exception);
  }

  void let_go() {
    sock_.close();
    // Dies last: it may keep this transport, and that is over now.
    const auto protocol = std::move(protocol_);
    server_.reset();
  }

  std::exception_ptr exception_;
  bool paused_ = false;
  bool protocol_paused_ = false;
  std::size_t high_water_ = 64 * 1024;
  std::size_t low_water_ = 16 * 1024;
};

// ---- A stream of bytes ----

/// What is still to be sent. (bytearray)
class WriteBuffer {
 public:
  bool empty() const { return size() == 0; }
  std::size_t size() const { return bytes_.size() - begin_; }
  std::string_view view() const {
    return std::string_view(bytes_).substr(begin_);
  }

  void append(std::string_view data) { bytes_.append(data); }

  // Moves the rest only when it is the smaller part.
  void pop_front(std::size_t count) {
    begin_ += count;
    if (begin_ > bytes_.size() / 2) {
      bytes_.erase(0, begin_);
      begin_ = 0;
    }
  }

  void clear() { pop_front(size()); }

 private:
  std::string bytes_;
  std::size_t begin_ = 0;
};

/// Stands between a connected socket and a protocol.
/// (selector_events._SelectorSocketTransport)
class SelectorSocketTransport : public SelectorTransport {
 public:
  SelectorSocketTransport(
      EventLoop& loop,
      Socket sock,
      std::shared_ptr<StreamProtocol> protocol,
      std::shared_ptr<void> server
  )
      : SelectorTransport(loop, std::move(sock)) {
    server_ = std::move(server);
    set_protocol(std::move(protocol));
    set_nodelay(sock_);
  }

  void set_protocol(std::shared_ptr<StreamProtocol> protocol) {
    if (!protocol) {
      throw std::invalid_argument("a transport needs a protocol");
    }
    // One that is over must not keep what may keep it.
    if (sock_.fileno() >= 0) {
      is_buffered_ = dynamic_cast<BufferedProtocol*>(protocol.get()) != nullptr;
      protocol_ = std::move(protocol);
    }
  }

  std::size_t get_write_buffer_size() const override { return buffer_.size(); }

  virtual void write(std::string_view data) {
    if (eof_) {
      throw std::runtime_error("Cannot call write() after write_eof()");
    }
    if (data.empty()) {
      return;
    }
    if (conn_lost_ > 0) {
      count_lost_write();
      return;
    }
    trace::instant("write", "fd", sock_.fileno(), "bytes", data.size());
    if (buffer_.empty()) {
      data.remove_prefix(send(data));
      if (data.empty() || conn_lost_ > 0) {
        return;
      }
      add_writer();
    }
    buffer_.append(data);
    trace::instant("kept", "fd", sock_.fileno(), "bytes", buffer_.size());
    maybe_pause_protocol();
  }

  virtual bool can_write_eof() const { return true; }

  virtual void write_eof() {
    if (closing_ || eof_) {
      return;
    }
    eof_ = true;
    if (buffer_.empty()) {
      shutdown();
    }
  }

 protected:
  /// As recv(2).
  virtual ssize_t recv_some(std::span<char> buffer) {
    return ::recv(sock_, buffer.data(), buffer.size(), 0);
  }

  /// As send(2).
  virtual ssize_t send_some(std::string_view data) {
    return ::send(sock_, data.data(), data.size(), MSG_NOSIGNAL);
  }

  virtual void end_reading(bool keep_open) {
    if (keep_open) {
      // It would be ready for ever.
      loop_.remove_reader(sock_);
    } else {
      close();
    }
  }

  void clear_write_buffer() override { buffer_.clear(); }

  void read_ready() override {
    // A copy: it may be replaced meanwhile.
    const auto protocol = protocol_;
    if (is_buffered_) {
      read_into_buffer(static_cast<BufferedProtocol&>(*protocol));
    } else {
      read_data(static_cast<Protocol&>(*protocol));
    }
  }

  void write_ready() override {
    buffer_.pop_front(send(buffer_.view()));
    trace::instant("kept", "fd", sock_.fileno(), "bytes", buffer_.size());
    written();
  }

  void drained() override {
    if (eof_) {
      shutdown();
    }
  }

  void connection_made() override;

 private:
  // A copy: it may be replaced while it is called.
  std::shared_ptr<StreamProtocol> stream_protocol() const {
    return std::static_pointer_cast<StreamProtocol>(protocol_);
  }

  // (_SelectorSocketTransport._read_ready__data_received)
  void read_data(Protocol& protocol) {
    char buffer[max_size];
    if (const std::size_t size = receive(buffer)) {
      call_or_fail([&] { protocol.data_received({buffer, size}); },
                   "Fatal error: protocol.data_received() call failed.");
    }
  }

  // (_SelectorSocketTransport._read_ready__get_buffer)
  void read_into_buffer(BufferedProtocol& protocol) {
    std::span<char> buffer;
    call_or_fail([&] { buffer = get_buffer(protocol); },
                 "Fatal error: protocol.get_buffer() call failed.");
    if (buffer.empty()) {
      return;
    }
    if (const std::size_t size = receive(buffer)) {
      call_or_fail([&] { protocol.buffer_updated(size); },
                   "Fatal error: protocol.buffer_updated() call failed.");
    }
  }

  static std::span<char> get_buffer(BufferedProtocol& protocol) {
    const std::span<char> buffer = protocol.get_buffer(-1);
    if (buffer.empty()) {
      throw std::runtime_error("get_buffer() returned an empty buffer");
    }
    return buffer;
  }

  // Returns how many bytes have come; without any it has seen to the rest.
  std::size_t receive(std::span<char> buffer) {
    const auto count = recv_some(buffer);
    if (count > 0) {
      trace::instant("received", "fd", sock_.fileno(), "bytes", count);
      return static_cast<std::size_t>(count);
    }
    if (count == 0) {
      received_eof();
    } else if (!would_block()) {
      fatal_error(errno_exception("recv"),
                  "Fatal read error on socket transport");
    }
    return 0;
  }

  // (_SelectorSocketTransport._read_ready__on_eof)
  void received_eof() {
    trace::instant("eof received", "fd", sock_.fileno());
    const auto protocol = stream_protocol();
    call_or_fail([&] { end_reading(protocol->eof_received()); },
                 "Fatal error: protocol.eof_received() call failed.");
  }

  // Returns how much the kernel has taken.
  std::size_t send(std::string_view data) {
    const auto count = send_some(data);
    if (count >= 0) {
      return static_cast<std::size_t>(count);
    }
    if (!would_block()) {
      fatal_error(errno_exception("send"),
                  "Fatal write error on socket transport");
    }
    return 0;
  }

  void shutdown() {
    if (::shutdown(sock_, SHUT_WR) < 0) {
      throw_errno("shutdown");
    }
  }

  WriteBuffer buffer_;
  bool is_buffered_ = false;
  bool eof_ = false;
};

// ---- What is handed around ----

/// Stands for a transport; copies stand for the same one. It may outlive the
/// connection, and the loop: it is closing then. (asyncio.BaseTransport)
class BaseTransport {
 public:
  /// No transport at all: all functions throw std::logic_error.
  BaseTransport() = default;
  explicit BaseTransport(std::shared_ptr<SelectorTransport> state)
      : state_(std::move(state)) {}

  /// Whether there is one at all.
  explicit operator bool() const { return state_ != nullptr; }

  /// Whether both are the same transport.
  friend bool operator==(const BaseTransport&, const BaseTransport&) = default;

  /// Reads no more, sends what is kept, and then ends the connection:
  /// connection_lost(nullptr). (BaseTransport.close)
  void close() const { state().close(); }

  /// Ends the connection and drops what is kept: connection_lost(nullptr).
  /// (WriteTransport.abort)
  void abort() const { state().abort(); }

  /// Whether the connection has ended or is about to.
  /// (BaseTransport.is_closing)
  bool is_closing() const { return state().is_closing(); }

  /// (ReadTransport.is_reading)
  bool is_reading() const { return state().is_reading(); }

  /// Calls data_received() no more until resume_reading().
  /// (ReadTransport.pause_reading)
  void pause_reading() const { state().pause_reading(); }

  /// (ReadTransport.resume_reading)
  void resume_reading() const { state().resume_reading(); }

  /// How many bytes are kept. (WriteTransport.get_write_buffer_size)
  std::size_t get_write_buffer_size() const {
    return state().get_write_buffer_size();
  }

  /// Whether the protocol was told to pause writing, and not yet to resume.
  /// (_FlowControlMixin._protocol_paused)
  bool is_writing_paused() const { return state().is_writing_paused(); }

  /// The low-water and the high-water mark.
  /// (WriteTransport.get_write_buffer_limits)
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const {
    return state().get_write_buffer_limits();
  }

  /// Above how many bytes the protocol is told to pause, and at how many to
  /// resume: 64 kB and a quarter of that. Throws std::invalid_argument.
  /// (WriteTransport.set_write_buffer_limits)
  void set_write_buffer_limits(
      std::optional<std::size_t> high = std::nullopt,
      std::optional<std::size_t> low = std::nullopt
  ) const {
    state().set_write_buffer_limits(high, low);
  }

  /// nullptr once the connection is lost. (BaseTransport.get_protocol)
  std::shared_ptr<BaseProtocol> get_protocol() const {
    return state().get_protocol();
  }

  /// "peername" and "sockname" as they were at the beginning, "socket" as a
  /// TransportSocket: ask for that type. Returns `otherwise` for all else.
  /// (BaseTransport.get_extra_info)
  template <class T = SocketAddress>
  T get_extra_info(const std::string& name, T otherwise = T()) const {
    const std::any info = state().get_extra_info(name);
    const T* const found = std::any_cast<T>(&info);
    return found ? *found : otherwise;
  }

 protected:
  SelectorTransport& state() const {
    if (!state_) {
      throw std::logic_error("there is no transport");
    }
    return *state_;
  }

 private:
  std::shared_ptr<SelectorTransport> state_;
};

/// The connection of a protocol: write to it. (asyncio.Transport)
class Transport : public BaseTransport {
 public:
  Transport() = default;
  explicit Transport(std::shared_ptr<SelectorSocketTransport> state)
      : BaseTransport(std::move(state)) {}

  /// Sends `data`, and keeps what the kernel does not take at once. Never
  /// waits: see pause_writing(). Throws std::runtime_error after write_eof().
  /// (WriteTransport.write)
  void write(std::string_view data) const { stream().write(data); }

  /// All of them in one go. (WriteTransport.writelines)
  void writelines(const std::vector<std::string_view>& list_of_data) const {
    std::string data;
    for (const std::string_view piece : list_of_data) {
      data += piece;
    }
    write(data);
  }

  /// Tells the other side that no more will come, once what is kept is sent;
  /// reading goes on. Throws std::system_error. (WriteTransport.write_eof)
  void write_eof() const { stream().write_eof(); }

  /// (WriteTransport.can_write_eof)
  bool can_write_eof() const { return stream().can_write_eof(); }

  /// From now on `protocol` is called. (BaseTransport.set_protocol)
  void set_protocol(std::shared_ptr<StreamProtocol> protocol) const {
    stream().set_protocol(std::move(protocol));
  }

 private:
  SelectorSocketTransport& stream() const {
    return static_cast<SelectorSocketTransport&>(state());
  }
};

inline void StreamProtocol::connection_made(Transport) {}

inline void SelectorSocketTransport::connection_made() {
  trace::instant("connection made", "fd", sock_.fileno());
  stream_protocol()->connection_made(Transport(
      std::static_pointer_cast<SelectorSocketTransport>(shared_from_this())));
}

/// Connects `sock` and `protocol`. (_make_socket_transport)
template <class State = SelectorSocketTransport>
Transport make_socket_transport(
    EventLoop& loop,
    Socket sock,
    std::shared_ptr<StreamProtocol> protocol,
    const Future<>& waiter,
    std::shared_ptr<void> server = nullptr
) {
  const auto transport = std::make_shared<State>(
      loop, std::move(sock), std::move(protocol), std::move(server));
  loop.own(transport);
  transport->start(waiter);
  return Transport(transport);
}

}  // namespace asyncio
