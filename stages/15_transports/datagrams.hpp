// Datagrams: a transport that sends and receives messages, each whole or not at
// all. (CPython: _SelectorDatagramTransport in selector_events.py,
// create_datagram_endpoint in base_events.py)
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <deque>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/net.hpp"
#include "common/trace.hpp"
#include "protocols.hpp"
#include "servers.hpp"
#include "transports.hpp"

namespace asyncio {

/// Stands between a datagram socket and a protocol.
/// (selector_events._SelectorDatagramTransport)
class SelectorDatagramTransport : public SelectorTransport {
 public:
  SelectorDatagramTransport(
      EventLoop& loop,
      Socket sock,
      std::shared_ptr<DatagramProtocol> protocol,
      SocketAddress address
  )
      : SelectorTransport(loop, std::move(sock)), address_(address) {
    if (!protocol) {
      throw std::invalid_argument("a transport needs a protocol");
    }
    protocol_ = std::move(protocol);
  }

  std::size_t get_write_buffer_size() const override { return size_; }

  void sendto(std::string_view data, const SocketAddress& addr) {
    if (data.empty()) {
      return;
    }
    const SocketAddress& to = addr.size > 0 ? addr : address_;
    if (address_.size > 0 && !(to == address_)) {
      throw std::invalid_argument("Invalid address: must be None or " +
                                  to_string(address_));
    }
    if (conn_lost_ > 0) {
      count_lost_write();
      return;
    }
    trace::instant("write", "fd", sock_.fileno(), "bytes", data.size());
    if (kept_.empty()) {
      if (send(data, to)) {
        return;
      }
      add_writer();
    }
    kept_.push_back(Datagram{std::string(data), to});
    size_ += data.size();
    trace::instant("kept", "fd", sock_.fileno(), "bytes", size_);
    maybe_pause_protocol();
  }

 protected:
  void connection_made() override;

  // Not guarded: what the protocol throws is reported, and ends nothing.
  void read_ready() override {
    char buffer[max_size];
    SocketAddress from;
    from.size = sizeof from.storage;
    const auto count =
        ::recvfrom(sock_, buffer, sizeof buffer, 0,
                   reinterpret_cast<sockaddr*>(&from.storage), &from.size);
    if (count >= 0) {
      trace::instant("received", "fd", sock_.fileno(), "bytes", count);
      const auto size = static_cast<std::size_t>(count);
      datagram_protocol()->datagram_received({buffer, size}, from);
    } else if (!would_block()) {
      datagram_protocol()->error_received(errno_exception("recvfrom"));
    }
  }

  // (_SelectorDatagramTransport._sendto_ready)
  void write_ready() override {
    while (!kept_.empty()) {
      // Moved out: the protocol may drop all that is kept.
      Datagram next = std::move(kept_.front());
      kept_.pop_front();
      size_ -= next.data.size();
      if (!send(next.data, next.addr)) {
        kept_.push_front(std::move(next));
        size_ += kept_.front().data.size();
        break;
      }
    }
    trace::instant("kept", "fd", sock_.fileno(), "bytes", size_);
    written();
  }

  void clear_write_buffer() override {
    kept_.clear();
    size_ = 0;
  }

 private:
  struct Datagram {
    std::string data;
    SocketAddress addr;
  };

  // A copy: it may be let go while it is called.
  std::shared_ptr<DatagramProtocol> datagram_protocol() const {
    return std::static_pointer_cast<DatagramProtocol>(protocol_);
  }

  // Returns false if it is to be tried again.
  bool send(std::string_view data, const SocketAddress& addr) {
    // A socket that is connected knows it already.
    const bool is_needed = addr.size > 0 && extra_->peername.size == 0;
    const auto count = ::sendto(
        sock_, data.data(), data.size(), MSG_NOSIGNAL,
        is_needed ? addr.get() : nullptr, is_needed ? addr.size : 0);
    if (count < 0 && would_block()) {
      return false;
    }
    if (count < 0) {
      datagram_protocol()->error_received(errno_exception("sendto"));
    }
    return true;
  }

  /// The only one to send to, if there is one.
  SocketAddress address_;
  std::deque<Datagram> kept_;
  std::size_t size_ = 0;
};

/// The socket of a datagram protocol: send by it. (asyncio.DatagramTransport)
class DatagramTransport : public BaseTransport {
 public:
  DatagramTransport() = default;
  explicit DatagramTransport(std::shared_ptr<SelectorDatagramTransport> state)
      : BaseTransport(std::move(state)) {}

  /// Sends one datagram, to `addr` unless the socket is connected. Never waits:
  /// what the kernel does not take is kept. Throws std::invalid_argument if the
  /// socket is connected to another address. (DatagramTransport.sendto)
  void sendto(
      std::string_view data,
      const SocketAddress& addr = SocketAddress()
  ) const {
    static_cast<SelectorDatagramTransport&>(state()).sendto(data, addr);
  }
};

inline void DatagramProtocol::connection_made(DatagramTransport) {}

inline void SelectorDatagramTransport::connection_made() {
  trace::instant("connection made", "fd", sock_.fileno());
  datagram_protocol()->connection_made(DatagramTransport(
      std::static_pointer_cast<SelectorDatagramTransport>(shared_from_this())));
}

/// How a datagram socket is made.
struct DatagramOptions {
  DatagramOptions() {}

  int family = AF_UNSPEC;
  bool reuse_port = false;
  bool allow_broadcast = false;
};

/// Where an endpoint is, and whom it talks to; an address may be missing.
struct AddressPair {
  AddressPair(AddressInfo its_local, AddressInfo its_remote)
      : local(its_local.address),
        remote(its_remote.address),
        family(its_local.family ? its_local.family : its_remote.family) {}

  SocketAddress local;
  SocketAddress remote;
  int family;
};

/// Without a name one that says nothing.
inline Coroutine<std::vector<AddressInfo>> datagram_addresses(
    HostAndPort addr,
    int family
) {
  if (addr) {
    co_return co_await ensure_resolved(addr.host, addr.port, family,
                                       SOCK_DGRAM, 0);
  }
  AddressInfo nothing = {};
  nothing.family = family;
  co_return std::vector<AddressInfo>(1, nothing);
}

/// Those of one family.
inline Coroutine<std::vector<AddressPair>> address_pairs(
    HostAndPort local_addr,
    HostAndPort remote_addr,
    int family
) {
  if (!local_addr && !remote_addr && family == AF_UNSPEC) {
    throw std::invalid_argument("unexpected address family");
  }
  const auto locals = co_await datagram_addresses(local_addr, family);
  const auto remotes = co_await datagram_addresses(remote_addr, family);
  std::vector<AddressPair> pairs;
  for (const AddressInfo& local : locals) {
    for (const AddressInfo& remote : remotes) {
      if (!local.family || !remote.family || local.family == remote.family) {
        pairs.emplace_back(local, remote);
      }
    }
  }
  if (pairs.empty()) {
    throw std::invalid_argument("can not get address information");
  }
  co_return pairs;
}

/// Binds and connects it.
inline Coroutine<Socket> datagram_socket(
    AddressPair pair,
    DatagramOptions options
) {
  Socket sock(udp_socket(pair.family, options.reuse_port,
                         options.allow_broadcast));
  if (pair.local.size > 0) {
    bind_to(sock, pair.local);
  }
  if (pair.remote.size > 0 && !options.allow_broadcast) {
    co_await sock_connect(sock, pair.remote);
  }
  co_return std::move(sock);
}

/// The first of these that can be had, and whom it talks to.
inline Coroutine<std::pair<Socket, SocketAddress>> any_datagram_socket(
    std::vector<AddressPair> pairs,
    DatagramOptions options
) {
  std::exception_ptr first_error;
  for (const AddressPair& pair : pairs) {
    try {
      Socket sock = co_await datagram_socket(pair, options);
      co_return std::pair(std::move(sock), pair.remote);
    } catch (const std::system_error&) {
      if (!first_error) {
        first_error = std::current_exception();
      }
    }
  }
  std::rethrow_exception(first_error);
}

/// What create_datagram_endpoint() returns.
template <class Factory>
using DatagramEndpoint =
    std::pair<DatagramTransport, std::invoke_result_t<Factory&>>;

/// (_make_datagram_transport)
template <class Factory>
Coroutine<DatagramEndpoint<Factory>> create_datagram_transport(
    Factory protocol_factory,
    Socket sock,
    SocketAddress address
) {
  EventLoop& loop = get_running_loop();
  const auto protocol = protocol_factory();
  const Future<> waiter(loop);
  const auto state = std::make_shared<SelectorDatagramTransport>(
      loop, std::move(sock), protocol, address);
  loop.own(state);
  state->start(waiter);
  const DatagramTransport transport(state);
  try {
    co_await waiter;
  } catch (...) {
    transport.close();
    throw;
  }
  co_return DatagramEndpoint<Factory>(transport, protocol);
}

/// A datagram protocol at `local_addr` that talks to `remote_addr`; either may
/// be missing. Throws std::system_error, std::runtime_error for a name that
/// cannot be looked up. (loop.create_datagram_endpoint)
template <class Factory>
Coroutine<DatagramEndpoint<Factory>> create_datagram_endpoint(
    Factory protocol_factory,
    HostAndPort local_addr,
    HostAndPort remote_addr = HostAndPort(),
    DatagramOptions options = DatagramOptions()
) {
  const auto pairs =
      co_await address_pairs(local_addr, remote_addr, options.family);
  auto [sock, address] = co_await any_datagram_socket(pairs, options);
  co_return co_await create_datagram_transport(std::move(protocol_factory),
                                               std::move(sock), address);
}

}  // namespace asyncio
