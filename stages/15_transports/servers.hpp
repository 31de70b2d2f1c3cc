// Who connects, and who waits for connections: both end with a transport and a
// protocol.
// (CPython: create_connection, create_server and Server in
// Lib/asyncio/base_events.py; _accept_connection in selector_events.py)
#pragma once

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/describe.hpp"
#include "common/net.hpp"
#include "staggered.hpp"
#include "tasks.hpp"
#include "transports.hpp"

namespace asyncio {

// ---- Connecting ----

/// Creates the protocol of a new connection: std::make_shared<MyProtocol>, or a
/// function of your own.
using ProtocolFactory = std::function<std::shared_ptr<StreamProtocol>()>;

/// What create_connection() returns: a transport, and the protocol in its own
/// type.
template <class Factory>
using Connection = std::pair<Transport, std::invoke_result_t<Factory&>>;

/// Waits until the protocol's connection_made() was called.
/// (BaseEventLoop._create_connection_transport)
template <class State = SelectorSocketTransport, class Factory>
Coroutine<Connection<Factory>> create_connection_transport(
    Factory protocol_factory,
    Socket sock,
    std::shared_ptr<void> server = nullptr
) {
  EventLoop& loop = get_running_loop();
  const auto protocol = protocol_factory();
  const Future<> waiter(loop);
  const Transport transport = make_socket_transport<State>(
      loop, std::move(sock), protocol, waiter, std::move(server));
  try {
    co_await waiter;
  } catch (...) {
    transport.close();
    throw;
  }
  co_return Connection<Factory>(transport, protocol);
}

/// The addresses of a host; without a name only its own.
/// (BaseEventLoop._ensure_resolved)
inline Coroutine<std::vector<AddressInfo>> ensure_resolved(
    std::string host,
    int port,
    int family,
    int type,
    int flags
) {
  if (host.empty() || is_numeric_host(host)) {
    co_return look_up(host, port, family, type, 0, flags);
  }
  co_return co_await getaddrinfo(host, port, family, type, 0, flags);
}

/// A name or an address, and a port; or none at all.
struct HostAndPort {
  HostAndPort() {}
  HostAndPort(std::string its_host, int its_port)
      : host(std::move(its_host)), port(its_port), exists(true) {}

  explicit operator bool() const { return exists; }

  std::string host;
  int port = 0;
  bool exists = false;
};

/// How to connect. With a happy_eyeballs_delay an address is tried before the
/// one in front of it has failed: after that time. (RFC 8305)
struct ConnectionOptions {
  ConnectionOptions() {}

  int family = AF_UNSPEC;
  HostAndPort local_addr;
  std::optional<Seconds> happy_eyeballs_delay;
};

/// By turns one of each family, the family found first beginning.
/// (base_events._interleave_addrinfos)
inline std::vector<AddressInfo> interleave_addrinfos(
    const std::vector<AddressInfo>& infos
) {
  std::map<int, std::size_t> place;
  std::map<int, std::size_t> count;
  std::map<std::pair<std::size_t, std::size_t>, AddressInfo> ranked;
  for (const AddressInfo& info : infos) {
    place.emplace(info.family, place.size());
    ranked.emplace(std::pair(count[info.family]++, place[info.family]), info);
  }
  std::vector<AddressInfo> reordered;
  for (const auto& [rank, info] : ranked) {
    reordered.push_back(info);
  }
  return reordered;
}

/// Binds to the first of these that is of the socket's family and can be had.
inline void bind_local(
    int fd,
    int family,
    const std::vector<AddressInfo>& local_infos
) {
  std::exception_ptr error = std::make_exception_ptr(std::system_error(
      EADDRNOTAVAIL, std::generic_category(), "no matching local address"));
  for (const AddressInfo& info : local_infos) {
    if (info.family != family) {
      continue;
    }
    try {
      bind_to(fd, info.address);
      return;
    } catch (const std::system_error&) {
      error = std::current_exception();
    }
  }
  std::rethrow_exception(error);
}

/// (BaseEventLoop._connect_sock)
inline Coroutine<Socket> connect_sock(
    AddressInfo info,
    std::vector<AddressInfo> local_infos = std::vector<AddressInfo>()
) {
  Socket sock(tcp_socket(info.family));
  if (!local_infos.empty()) {
    bind_local(sock, info.family, local_infos);
  }
  try {
    co_await sock_connect(sock, info.address);
  } catch (const std::system_error& error) {
    throw std::system_error(error.code(),
                            "Connect call failed " + to_string(info.address));
  }
  co_return std::move(sock);
}

/// What several attempts have ended with; as Python's it has no errno.
struct MultipleErrors : std::system_error {
  explicit MultipleErrors(std::string all)
      : std::system_error(std::error_code()), text(std::move(all)) {}

  const char* what() const noexcept override { return text.c_str(); }

  std::string text;
};

/// The error that all of these have in common, or one that names them all.
[[noreturn]] inline void raise_all(
    const std::vector<std::exception_ptr>& errors
) {
  const std::string model = describe(errors.at(0));
  std::string all = "Multiple exceptions: " + model;
  bool same = true;
  for (std::size_t i = 1; i < errors.size(); ++i) {
    const std::string text = describe(errors[i]);
    all += ", " + text;
    same = same && text == model;
  }
  if (same) {
    std::rethrow_exception(errors[0]);
  }
  throw MultipleErrors(all);
}

/// One after the other, until one answers.
inline Coroutine<Socket> connect_any(
    std::vector<AddressInfo> infos,
    std::vector<AddressInfo> local_infos
) {
  std::vector<std::exception_ptr> errors;
  for (const AddressInfo& info : infos) {
    try {
      co_return co_await connect_sock(info, local_infos);
    } catch (const std::system_error&) {
      errors.push_back(std::current_exception());
    }
  }
  raise_all(errors);
}

/// One before the other has failed, until one answers.
inline Coroutine<Socket> connect_happily(
    std::vector<AddressInfo> infos,
    std::vector<AddressInfo> local_infos,
    Seconds delay
) {
  std::vector<std::function<Coroutine<Socket>()>> attempts;
  for (const AddressInfo& info : interleave_addrinfos(infos)) {
    attempts.push_back([info, local_infos] {
      return connect_sock(info, local_infos);
    });
  }
  std::vector<std::exception_ptr> errors;
  auto winner = co_await staggered_race(attempts, delay, &errors);
  if (!winner) {
    raise_all(errors);
  }
  co_return std::move(*winner);
}

/// (BaseEventLoop.create_connection)
inline Coroutine<Socket> connect_tcp(
    std::string host,
    int port,
    ConnectionOptions options
) {
  const auto infos =
      co_await ensure_resolved(host, port, options.family, SOCK_STREAM, 0);
  std::vector<AddressInfo> local_infos;
  if (options.local_addr) {
    local_infos =
        co_await ensure_resolved(options.local_addr.host,
                                 options.local_addr.port,
                                 options.family, SOCK_STREAM, 0);
  }
  if (options.happy_eyeballs_delay) {
    co_return co_await connect_happily(infos, local_infos,
                                       *options.happy_eyeballs_delay);
  }
  co_return co_await connect_any(infos, local_infos);
}

/// Connects to a server over TCP, and creates the protocol once that has
/// answered. Throws std::system_error, std::runtime_error for a name that
/// cannot be looked up. (loop.create_connection)
template <class Factory>
Coroutine<Connection<Factory>> create_connection(
    Factory protocol_factory,
    std::string host,
    int port,
    ConnectionOptions options = ConnectionOptions()
) {
  Socket sock = co_await connect_tcp(host, port, options);
  co_return co_await create_connection_transport(std::move(protocol_factory),
                                                 std::move(sock));
}

/// The same for a socket that is connected already.
/// (loop.create_connection, loop.connect_accepted_socket)
template <class Factory>
Coroutine<Connection<Factory>> create_connection(
    Factory protocol_factory,
    Socket sock
) {
  return create_connection_transport(std::move(protocol_factory),
                                     std::move(sock));
}

/// Connects to a server's path. Throws std::system_error.
/// (loop.create_unix_connection)
template <class Factory>
Coroutine<Connection<Factory>> create_unix_connection(
    Factory protocol_factory,
    std::string path
) {
  Socket sock = co_await connect_sock(unix_address(path));
  co_return co_await create_connection_transport(std::move(protocol_factory),
                                                 std::move(sock));
}

// ---- A server ----

/// What belongs to a server that listens and to each of its connections: it
/// ends with the last of them, and wakes those who wait for that.
/// (Server._attach, Server._detach, Server._wakeup)
struct ServerLife {
  ServerLife() = default;
  ServerLife(const ServerLife&) = delete;
  ServerLife& operator=(const ServerLife&) = delete;
  ~ServerLife() {
    for (const Future<>& waiter : waiters) {
      if (!waiter.done()) {
        waiter.set_result();
      }
    }
  }

  std::vector<Future<>> waiters;
};

/// The loop owns it until it is closed. (base_events.Server)
class ServerState : public Work,
                    public std::enable_shared_from_this<ServerState> {
 public:
  ServerState(
      EventLoop& loop,
      std::vector<Socket> sockets,
      ProtocolFactory protocol_factory,
      int backlog
  )
      : loop_(loop),
        sockets_(std::move(sockets)),
        protocol_factory_(std::make_shared<ProtocolFactory>(
            std::move(protocol_factory))),
        backlog_(backlog) {}

  bool is_serving() const { return serving_; }

  std::vector<TransportSocket> sockets() const {
    std::vector<TransportSocket> all;
    for (const Socket& sock : sockets_) {
      if (!is_closed()) {
        all.emplace_back(
            std::shared_ptr<const Socket>(shared_from_this(), &sock));
      }
    }
    return all;
  }

  /// (Server._start_serving)
  void start_serving() {
    check_open();
    if (std::exchange(serving_, true)) {
      return;
    }
    for (const Socket& sock : sockets_) {
      if (::listen(sock, backlog_) < 0) {
        throw_errno("listen");
      }
    }
    add_readers();
  }

  void close() {
    if (is_closed()) {
      return;
    }
    // Dies last: nobody else might own this.
    const auto dies_last = loop_.disown(*this);
    if (serving_forever_) {
      serving_forever_->cancel();
    }
    let_go();
  }

  void abandon() override { let_go(); }

  /// (Server.serve_forever)
  static Coroutine<> serve_forever(std::shared_ptr<ServerState> server) {
    if (server->serving_forever_) {
      throw std::runtime_error(
          "server is already being awaited on serve_forever()");
    }
    server->start_serving();
    const Future<> forever = server->serving_forever_.emplace();
    std::exception_ptr cancelled;
    try {
      co_await forever;
    } catch (...) {
      cancelled = std::current_exception();
    }
    server->serving_forever_.reset();
    server->close();
    std::rethrow_exception(cancelled);
  }

  /// (Server.wait_closed)
  static Coroutine<> wait_closed(std::shared_ptr<ServerState> server) {
    if (!server->is_closed()) {
      const Future<> waiter;
      server->life_->waiters.push_back(waiter);
      co_await waiter;
    }
  }

 private:
  bool is_closed() const { return life_ == nullptr; }

  void check_open() const {
    if (is_closed()) {
      throw std::runtime_error("server is closed");
    }
  }

  void let_go() {
    serving_ = false;
    retry_.cancel();
    for (Socket& sock : sockets_) {
      loop_.remove_reader(sock);
      sock.close();
    }
    life_.reset();
    protocol_factory_.reset();
  }

  void add_readers() {
    for (const Socket& sock : sockets_) {
      loop_.add_reader(sock, [this, fd = sock.fileno()] { accept(fd); });
    }
  }

  /// (BaseSelectorEventLoop._accept_connection)
  void accept(int listener) {
    // Kept: to report an error may close it.
    const auto server = shared_from_this();
    for (int left = std::max(backlog_, 1); left > 0; --left) {
      const int fd = ::accept(listener, nullptr, nullptr);
      if (fd < 0) {
        accept_failed();
        return;
      }
      set_cloexec(fd);
      create_task(accepted(server, Socket(fd)));
    }
  }

  // Out of descriptors it would fail again at once: it is given time.
  void accept_failed() {
    if (would_block() || errno == ECONNABORTED) {
      return;
    }
    const bool is_shortage = errno == EMFILE || errno == ENFILE ||
                             errno == ENOBUFS || errno == ENOMEM;
    const auto error = errno_exception("accept");
    if (!is_shortage) {
      std::rethrow_exception(error);
    }
    for (const Socket& sock : sockets_) {
      loop_.remove_reader(sock);
    }
    retry_ = loop_.call_later(Seconds(1), [this] { add_readers(); });
    loop_.call_exception_handler("socket.accept() out of system resource",
                                 error);
  }

  /// (BaseSelectorEventLoop._accept_connection2)
  static Coroutine<> accepted(
      std::shared_ptr<ServerState> server,
      Socket conn
  ) {
    try {
      // A copy: it may close the server.
      const auto ask = server->protocol_factory_;
      const auto protocol = ask ? (*ask)() : nullptr;
      if (server->is_closed()) {
        co_return;
      }
      const auto factory = [protocol] { return protocol; };
      co_await create_connection_transport(factory, std::move(conn),
                                           server->life_);
    } catch (const std::exception&) {
      get_running_loop().call_exception_handler(
          "Error on transport creation for incoming connection",
          std::current_exception());
    }
  }

  EventLoop& loop_;
  std::vector<Socket> sockets_;
  /// It may keep this server: nullptr once that is closed.
  std::shared_ptr<const ProtocolFactory> protocol_factory_;
  int backlog_;
  bool serving_ = false;
  TimerHandle retry_;
  std::optional<Future<>> serving_forever_;
  /// nullptr once this is closed.
  std::shared_ptr<ServerLife> life_ = std::make_shared<ServerLife>();
};

/// Stands for what listens; copies stand for the same. The loop keeps it until
/// it is closed. (asyncio.Server)
class Server {
 public:
  explicit Server(std::shared_ptr<ServerState> state)
      : state_(std::move(state)) {}

  /// None once it is closed. (Server.sockets)
  std::vector<TransportSocket> sockets() const { return state_->sockets(); }

  /// Whether it accepts connections. (Server.is_serving)
  bool is_serving() const { return state_->is_serving(); }

  /// Begins to accept connections. Throws std::runtime_error once it is
  /// closed, std::system_error. (Server.start_serving)
  Coroutine<> start_serving() const { return start_serving(state_); }

  /// Accepts connections until it is closed or cancelled: CancelledError.
  /// Throws as start_serving(). (Server.serve_forever)
  Coroutine<> serve_forever() const {
    return ServerState::serve_forever(state_);
  }

  /// Accepts no more; the connections that there are go on. (Server.close)
  void close() const { state_->close(); }

  /// Pauses until it is closed and its last connection has ended; as in
  /// CPython 3.11 not at all if it is closed already. (Server.wait_closed)
  Coroutine<> wait_closed() const { return ServerState::wait_closed(state_); }

 private:
  static Coroutine<> start_serving(std::shared_ptr<ServerState> server) {
    server->start_serving();
    co_await sleep(Seconds(0));
  }

  std::shared_ptr<ServerState> state_;
};

/// How a server listens.
struct ServerOptions {
  ServerOptions() {}

  int family = AF_UNSPEC;
  int flags = AI_PASSIVE;
  int backlog = 100;
  bool reuse_port = false;
  bool start_serving = true;
};

/// One socket for each address of the hosts.
inline Coroutine<std::vector<Socket>> bind_all(
    std::vector<std::string> hosts,
    int port,
    ServerOptions options
) {
  std::vector<Socket> sockets;
  std::vector<SocketAddress> bound;
  for (const std::string& host : hosts) {
    const auto infos = co_await ensure_resolved(
        host, port, options.family, SOCK_STREAM, options.flags);
    for (const AddressInfo& info : infos) {
      const bool again =
          std::find(bound.begin(), bound.end(), info.address) != bound.end();
      const int fd = again ? -1 : bound_socket(info, options.reuse_port);
      if (fd >= 0) {
        // First of all somebody has to own it.
        Socket sock(fd);
        sockets.push_back(std::move(sock));
        bound.push_back(info.address);
      }
    }
  }
  co_return std::move(sockets);
}

/// A server of sockets that are bound already. (loop.create_server)
inline Coroutine<Server> create_server(
    ProtocolFactory protocol_factory,
    std::vector<Socket> sockets,
    ServerOptions options = ServerOptions()
) {
  EventLoop& loop = get_running_loop();
  const auto state = std::make_shared<ServerState>(
      loop, std::move(sockets), std::move(protocol_factory), options.backlog);
  loop.own(state);
  const Server server(state);
  if (options.start_serving) {
    try {
      co_await server.start_serving();
    } catch (...) {
      server.close();
      throw;
    }
  }
  co_return server;
}

/// The same for one.
inline Coroutine<Server> create_server(
    ProtocolFactory protocol_factory,
    Socket sock,
    ServerOptions options = ServerOptions()
) {
  std::vector<Socket> sockets;
  sockets.push_back(std::move(sock));
  return create_server(std::move(protocol_factory), std::move(sockets),
                       options);
}

/// Listens on all addresses of the hosts, "" for those of this machine, port 0
/// for a free one each. Throws std::system_error, std::runtime_error for a name
/// that cannot be looked up. (loop.create_server)
inline Coroutine<Server> create_server(
    ProtocolFactory protocol_factory,
    std::vector<std::string> hosts,
    int port,
    ServerOptions options = ServerOptions()
) {
  std::vector<Socket> sockets =
      co_await bind_all(std::move(hosts), port, options);
  co_return co_await create_server(std::move(protocol_factory),
                                   std::move(sockets), options);
}
inline Coroutine<Server> create_server(
    ProtocolFactory protocol_factory,
    std::string host,
    int port,
    ServerOptions options = ServerOptions()
) {
  std::vector<std::string> hosts;
  hosts.push_back(std::move(host));
  return create_server(std::move(protocol_factory), std::move(hosts), port,
                       options);
}

/// Listens at a path, whose file it does not remove in the end; one that an
/// earlier server has left is replaced. Throws std::system_error.
/// (loop.create_unix_server)
inline Coroutine<Server> create_unix_server(
    ProtocolFactory protocol_factory,
    std::string path,
    ServerOptions options = ServerOptions()
) {
  remove_stale_socket(path);
  Socket sock(bound_socket(unix_address(path)));
  co_return co_await create_server(std::move(protocol_factory),
                                   std::move(sock), options);
}

}  // namespace asyncio
