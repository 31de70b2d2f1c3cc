#include "recorder.hpp"

namespace test_echo {

using namespace test_transports;

struct Echo : Recorder {
  using Recorder::Recorder;

  void data_received(std::string_view data) override {
    Recorder::data_received(data);
    transport.write(data);
  }
};

TEST_CASE("echo: the protocol is called when something happens") {
  Wire<Echo> wire;
  CHECK(wire.log == Lines{"made"});
  wire.send("Hello");
  wire.settle();
  CHECK(wire.received() == "Hello");
  wire.send("World");
  wire.settle();
  CHECK(wire.received() == "World");
  wire.hang_up();
  wire.settle();
  CHECK(wire.log ==
        Lines{"made", "data Hello", "data World", "eof", "lost None"});
}

TEST_CASE("echo: create_connection waits for connection_made") {
  Lines log;
  Loop loop;
  const auto main = [&log]() -> Coroutine<> {
    const auto [here, there] = stream_pair();
    const Socket peer(there);
    const auto factory = [&log] { return std::make_shared<Recorder>(log); };
    const auto [transport, protocol] =
        co_await create_connection(factory, Socket(here));
    CHECK(log == Lines{"made"});
    CHECK(protocol->transport == transport);
    CHECK(transport.get_protocol() == protocol);
    CHECK_FALSE(transport.is_closing());
  };
  loop.run_until_complete(main());
}

TEST_CASE("echo: one read for each event, and others run in between") {
  struct Slow : Recorder {
    using Recorder::Recorder;
    void data_received(std::string_view data) override {
      log.push_back(std::to_string(data.size()));
      get_running_loop().call_soon([this] { log.push_back("other"); });
    }
  };
  Wire<Slow> wire;
  const int room = 1024 * 1024;
  ::setsockopt(wire.peer, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  const std::string data(SelectorSocketTransport::max_size + 1, 'x');
  const auto sent = ::send(wire.peer, data.data(), data.size(), 0);
  REQUIRE(sent > 0);
  wire.settle();
  std::size_t received = 0;
  for (std::size_t i = 1; i < wire.log.size(); i += 2) {
    received += std::stoul(wire.log[i]);
    CHECK(wire.log[i + 1] == "other");
  }
  CHECK(received == static_cast<std::size_t>(sent));
}

TEST_CASE("echo: over TCP, with the addresses of both ends") {
  Lines log;
  EventLoop loop;
  const auto main = [&log]() -> Coroutine<> {
    const auto factory = [&log] { return std::make_shared<Echo>(log); };
    const Server server = co_await create_server(factory, "127.0.0.1", 0);
    const auto address = server.sockets().at(0).getsockname();
    const Future<> answered;
    struct Client : Protocol {
      explicit Client(Future<> its_answered)
          : answered(std::move(its_answered)) {}
      void connection_made(Transport transport) override {
        transport.write("Hello");
      }
      void data_received(std::string_view) override { answered.set_result(); }
      Future<> answered;
    };
    const auto client = [answered] {
      return std::make_shared<Client>(answered);
    };
    const auto [transport, protocol] =
        co_await create_connection(client, "127.0.0.1", port_of(address));
    co_await answered;
    CHECK(to_string(transport.get_extra_info("peername")) ==
          to_string(address));
    const auto sock = transport.get_extra_info<TransportSocket>("socket");
    CHECK(sock.getpeername() == address);
    CHECK(sock.getsockname() == transport.get_extra_info("sockname"));
    CHECK(transport.get_extra_info("nothing").size == 0);
    CHECK(transport.get_extra_info<int>("nothing", 42) == 42);
  };
  loop.run_until_complete(main());
  CHECK(log == Lines{"made", "data Hello"});
}

}  // namespace test_echo
