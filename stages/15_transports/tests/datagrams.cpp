#include "recorder.hpp"

namespace test_datagrams {

using namespace test_transports;

struct Listener : DatagramProtocol {
  explicit Listener(Lines& its_log) : log(its_log) {}

  void connection_made(DatagramTransport its_transport) override {
    transport = its_transport;
    log.push_back("made");
  }
  void datagram_received(std::string_view data, SocketAddress addr) override {
    log.push_back("received " + std::string(data));
    from = addr;
    if (answers) {
      transport.sendto(data, addr);
    }
  }
  void error_received(std::exception_ptr exception) override {
    log.push_back("error " + describe(exception));
    if (aborts) {
      transport.abort();
    }
  }
  void connection_lost(std::exception_ptr exception) override {
    log.push_back("lost " + (exception ? describe(exception) : "None"));
  }
  void pause_writing() override { log.push_back("pause"); }
  void resume_writing() override { log.push_back("resume"); }

  Lines& log;
  DatagramTransport transport;
  SocketAddress from;
  bool answers = false;
  bool aborts = false;
};

struct Endpoints {
  std::shared_ptr<Listener> make(HostAndPort local, HostAndPort remote) {
    const auto factory = [this] { return std::make_shared<Listener>(log); };
    const auto [transport, protocol] = loop.run_until_complete(
        create_datagram_endpoint(factory, local, remote));
    return protocol;
  }

  void run_until(std::size_t lines) {
    while (log.size() < lines) {
      loop.run_once();
    }
  }

  Lines log;
  EventLoop loop;
};

const HostAndPort any_port("127.0.0.1", 0);

HostAndPort address_of(const Listener& listener) {
  const auto address = listener.transport.get_extra_info("sockname");
  return HostAndPort("127.0.0.1", port_of(address));
}

TEST_CASE("datagrams: each comes whole, and says from whom") {
  Endpoints endpoints;
  const auto server = endpoints.make(any_port, HostAndPort());
  server->answers = true;
  const auto client = endpoints.make(HostAndPort(), address_of(*server));
  client->transport.sendto("one");
  client->transport.sendto("two");
  // Not even a datagram of nothing, as in CPython.
  client->transport.sendto("");
  endpoints.run_until(6);
  CHECK(std::count(endpoints.log.begin(), endpoints.log.end(),
                   "received one") == 2);
  CHECK(std::count(endpoints.log.begin(), endpoints.log.end(),
                   "received two") == 2);
  CHECK(server->from == client->transport.get_extra_info("sockname"));
  CHECK(client->transport.get_extra_info("peername") ==
        server->transport.get_extra_info("sockname"));
}

TEST_CASE("datagrams: a connected one sends to nobody else") {
  Endpoints endpoints;
  const auto server = endpoints.make(any_port, HostAndPort());
  const auto client = endpoints.make(HostAndPort(), address_of(*server));
  const auto own = client->transport.get_extra_info("sockname");
  const auto peer = server->transport.get_extra_info("sockname");
  const std::string message =
      "Invalid address: must be None or " + to_string(peer);
  CHECK_THROWS_WITH_AS(client->transport.sendto("x", own), message.c_str(),
                       std::invalid_argument);
  client->transport.sendto("x", peer);
  endpoints.run_until(3);
  CHECK(endpoints.log.back() == "received x");
}

TEST_CASE("datagrams: errors are told, and the transport goes on") {
  Endpoints endpoints;
  const auto server = endpoints.make(any_port, HostAndPort());
  const HostAndPort nobody = address_of(*server);
  server->transport.close();
  endpoints.run_until(2);
  CHECK(endpoints.log == Lines{"made", "lost None"});
  const auto client = endpoints.make(HostAndPort(), nobody);
  client->transport.sendto("x");
  endpoints.run_until(4);
  CHECK(endpoints.log.back() == "error recvfrom: Connection refused");
  CHECK_FALSE(client->transport.is_closing());
  // Without an address to send to.
  const auto lonely = endpoints.make(any_port, HostAndPort());
  lonely->transport.sendto("x");
  CHECK(endpoints.log.back() == "error sendto: Destination address required");
}

TEST_CASE("datagrams: closed, it sends nothing") {
  Endpoints endpoints;
  const auto one = endpoints.make(any_port, HostAndPort());
  one->transport.close();
  one->transport.sendto("x", one->transport.get_extra_info("sockname"));
  endpoints.loop.run_until_idle();
  one->transport.sendto("x", one->transport.get_extra_info("sockname"));
  one->transport.close();
  one->transport.abort();
  CHECK(endpoints.log == Lines{"made", "lost None"});
  CHECK(one->transport.get_protocol() == nullptr);
}

/// A transport at one end of a pair that keeps datagrams apart, and blocks.
struct Pair {
  Pair() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_DGRAM, 0, fds) == 0);
    set_nonblocking(fds[1]);
    protocol = std::make_shared<Listener>(log);
    const auto factory = [this] { return protocol; };
    loop.run_until_complete(create_datagram_transport(
        factory, Socket(fds[0], loop), SocketAddress()));
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;
  ~Pair() {
    if (fds[1] >= 0) {
      ::close(fds[1]);
    }
  }

  /// Until one is kept. Returns how many were sent.
  int fill() {
    int sent = 0;
    while (protocol->transport.get_write_buffer_size() == 0) {
      protocol->transport.sendto(std::to_string(sent++));
    }
    return sent;
  }

  std::string receive() {
    char buffer[100];
    const auto count = ::recv(fds[1], buffer, sizeof buffer, 0);
    const std::size_t size = count < 0 ? 0 : static_cast<std::size_t>(count);
    return std::string(buffer, size);
  }

  Lines log;
  Loop loop;
  int fds[2] = {-1, -1};
  std::shared_ptr<Listener> protocol;
};

TEST_CASE("datagrams: what the kernel does not take comes later, in order") {
  Pair pair;
  pair.protocol->transport.set_write_buffer_limits(0);
  const int sent = pair.fill();
  pair.protocol->transport.sendto("more");
  CHECK(pair.log == Lines{"made", "pause"});
  for (int i = 0; i < sent - 1; ++i) {
    CHECK(pair.receive() == std::to_string(i));
  }
  CHECK(pair.receive() == "");
  pair.loop.run_once();
  CHECK(pair.receive() == std::to_string(sent - 1));
  CHECK(pair.receive() == "more");
  CHECK(pair.log == Lines{"made", "pause", "resume"});
  CHECK(pair.protocol->transport.get_write_buffer_size() == 0);
}

TEST_CASE("datagrams: close() sends what is kept") {
  Pair pair;
  const int sent = pair.fill();
  pair.protocol->transport.close();
  CHECK(pair.log == Lines{"made"});
  for (int i = 0; i < sent - 1; ++i) {
    CHECK(pair.receive() == std::to_string(i));
  }
  CHECK(pair.receive() == "");
  pair.loop.run_once();
  CHECK(pair.receive() == std::to_string(sent - 1));
  CHECK(pair.log == Lines{"made", "lost None"});
}

TEST_CASE("datagrams: aborted by an error while more is kept") {
  Pair pair;
  pair.fill();
  pair.protocol->transport.sendto("more");
  pair.protocol->aborts = true;
  ::close(std::exchange(pair.fds[1], -1));
  pair.loop.run_until_idle();
  CHECK(pair.log ==
        Lines{"made", "error sendto: Connection refused", "lost None"});
  CHECK(pair.protocol->transport.get_write_buffer_size() == 0);
}

TEST_CASE("datagrams: a protocol that throws is reported, and goes on") {
  struct Bad : Listener {
    using Listener::Listener;
    void datagram_received(std::string_view, SocketAddress) override {
      throw std::runtime_error("no");
    }
  };
  Endpoints endpoints;
  endpoints.loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr exception) {
        endpoints.log.push_back(message + ": " + describe(exception));
      });
  const auto factory = [&] { return std::make_shared<Bad>(endpoints.log); };
  const auto [transport, protocol] = endpoints.loop.run_until_complete(
      create_datagram_endpoint(factory, any_port));
  transport.sendto("x", transport.get_extra_info("sockname"));
  endpoints.run_until(2);
  CHECK(endpoints.log == Lines{"made", "Exception in callback: no"});
  CHECK_FALSE(transport.is_closing());
}

TEST_CASE("datagrams: an endpoint needs an address") {
  Endpoints endpoints;
  CHECK_THROWS_WITH_AS(endpoints.make(HostAndPort(), HostAndPort()),
                       "unexpected address family", std::invalid_argument);
  CHECK_THROWS_WITH_AS(endpoints.make(any_port, HostAndPort("::1", 1)),
                       "can not get address information",
                       std::invalid_argument);
}

TEST_CASE("datagrams: the factory is asked once, whatever it throws") {
  Endpoints endpoints;
  int calls = 0;
  std::function<std::shared_ptr<Listener>()> factory =
      [&calls]() -> std::shared_ptr<Listener> {
    ++calls;
    throw std::system_error(EIO, std::generic_category(), "disk");
  };
  // For all addresses of this machine: those of IPv6, too.
  CHECK_THROWS_WITH_AS(
      endpoints.loop.run_until_complete(
          create_datagram_endpoint(factory, HostAndPort("", 0))),
      "disk: Input/output error", std::system_error);
  CHECK(calls == 1);
}

TEST_CASE("datagrams: the first address that is free") {
  Endpoints endpoints;
  const auto one = endpoints.make(any_port, HostAndPort());
  const auto two = endpoints.make(any_port, HostAndPort());
  const auto at = [](int port) {
    return AddressPair(look_up("127.0.0.1", port, 0, SOCK_DGRAM)[0],
                       AddressInfo());
  };
  const int taken = address_of(*one).port;
  std::vector<AddressPair> pairs = {at(taken), at(address_of(*two).port)};
  const std::string message =
      "error while attempting to bind on address ('127.0.0.1', " +
      std::to_string(taken) + "): Address already in use";
  CHECK_THROWS_WITH_AS(endpoints.loop.run_until_complete(
                           any_datagram_socket(pairs, DatagramOptions())),
                       message.c_str(), std::system_error);
  pairs.push_back(at(0));
  const auto found = endpoints.loop.run_until_complete(
      any_datagram_socket(pairs, DatagramOptions()));
  CHECK(port_of(found.first) > 0);
}

TEST_CASE("datagrams: what a trace says of them") {
  const auto trace = traced([] {
    Pair pair;
    CHECK(::send(pair.fds[1], "ping", 4, 0) == 4);
    pair.loop.run_once();
    pair.fill();
    while (pair.receive() != "") {
    }
    pair.loop.run_once();
    pair.protocol->transport.close();
    pair.loop.run_until_idle();
  });
  const Lines events{
      "i connection made {\"fd\":",
      "i received {\"fd\":",
      "i write {\"fd\":",
      "i kept {\"fd\":",
      "i connection lost {\"fd\":",
  };
  CHECK(missing(trace, events) == Lines());
}

}  // namespace test_datagrams
