#include "recorder.hpp"

namespace test_no_memory {

using namespace test_transports;

/// Talks, closes, and is told of both; quietly, for that asks for memory.
struct Quiet : Protocol {
  void connection_made(Transport its_transport) override {
    transport = its_transport;
    transport.write("Hello");
  }
  void data_received(std::string_view data) override {
    transport.write(data);
    transport.close();
  }
  void connection_lost(std::exception_ptr) override { is_lost = true; }

  Transport transport;
  bool is_lost = false;
};

/// Two sockets that talk to each other.
struct Ends {
  explicit Ends(EventLoop& loop) : Ends(stream_pair(), loop) {}
  Ends(std::pair<int, int> fds, EventLoop& loop)
      : sock(fds.first, loop), peer(fds.second, loop) {}

  Socket sock;
  Socket peer;
};

/// Fails at each allocation in turn, once.
template <class Scenario>
void without_memory(Scenario scenario) {
  bool failed = true;
  for (long k = 1; failed; ++k) {
    CAPTURE(k);
    const int before = open_descriptors();
    {
      // One that would wait for ever throws: a wake-up may be lost.
      Loop loop;
      loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
      Ends ends(loop);
      const FailingAllocation failing(k);
      try {
        scenario(loop, ends);
      } catch (const std::bad_alloc&) {
      } catch (const std::logic_error&) {
      }
      failed = failing.has_failed();
    }
    CHECK(open_descriptors() == before);
  }
}

/// Calls nothing, until so many more can be queued without memory.
void queue_all_but(EventLoop& loop, int room) {
  constexpr int capacity = 64;
  for (int i = room; i < capacity; ++i) {
    loop.call_soon([] {});
  }
}

TEST_CASE("no_memory: who hears of the beginning hears of the end") {
  for (int room = 0; room < 4; ++room) {
    CAPTURE(room);
    without_memory([room](EventLoop& loop, Ends& ends) {
      Lines log;
      log.reserve(10);
      const auto protocol = std::make_shared<Recorder>(log);
      const Future<> waiter(loop);
      bool failed = false;
      queue_all_but(loop, room);
      try {
        make_socket_transport(loop, std::move(ends.sock), protocol, waiter);
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      for (int i = 0; i < 3; ++i) {
        loop.call_soon([] {});
        loop.run_once();
      }
      const bool made = !log.empty() && log.front() == "made";
      const bool lost = !log.empty() && log.back() == "lost None";
      CHECK((!failed || !made || lost));
    });
  }
}

TEST_CASE("no_memory: an end that cannot be queued has not begun") {
  for (const bool abort : {false, true}) {
    Wire<> wire;
    const auto end = [&] {
      abort ? wire.transport.abort() : wire.transport.close();
    };
    bool full = false;
    while (!full) {
      const FailingAllocation failing(1);
      try {
        wire.loop.call_soon([] {});
      } catch (const std::bad_alloc&) {
        full = true;
      }
    }
    {
      const FailingAllocation failing(1);
      CHECK_THROWS_AS(end(), std::bad_alloc);
    }
    CHECK_FALSE(wire.transport.is_closing());
    end();
    wire.settle();
    CHECK(wire.log == Lines{"made", "lost None"});
  }
}

TEST_CASE("no_memory: a connection") {
  without_memory([](EventLoop& loop, Ends& ends) {
    const auto protocol = std::make_shared<Quiet>();
    const auto factory = [&protocol] { return protocol; };
    loop.run_until_complete(
        create_connection(factory, std::move(ends.sock)));
    // Lost if the loop had no memory for its reader.
    CHECK((protocol->is_lost || ::send(ends.peer, "answer", 6, 0) == 6));
    for (int i = 0; i < 5 && !protocol->is_lost; ++i) {
      loop.call_soon([] {});
      loop.run_once();
    }
  });
}

TEST_CASE("no_memory: what is kept, and dropped") {
  const std::string large(4 * 1024 * 1024, 'x');
  without_memory([&large](EventLoop& loop, Ends& ends) {
    const auto factory = [] { return std::make_shared<Quiet>(); };
    const auto [transport, protocol] = loop.run_until_complete(
        create_connection(factory, std::move(ends.sock)));
    transport.write(large);
    transport.abort();
    loop.run_until_idle();
  });
}

TEST_CASE("no_memory: a server, and a client of its own") {
  without_memory([](EventLoop& loop, Ends&) {
    const auto factory = [] { return std::make_shared<Quiet>(); };
    const Server server = loop.run_until_complete(
        create_server(factory, "127.0.0.1", 0));
    const int port = port_of(server.sockets().at(0).getsockname());
    const auto [transport, protocol] = loop.run_until_complete(
        create_connection(factory, "127.0.0.1", port));
    server.close();
  });
}

TEST_CASE("no_memory: a datagram endpoint") {
  without_memory([](EventLoop& loop, Ends&) {
    const auto factory = [] { return std::make_shared<DatagramProtocol>(); };
    const auto [transport, protocol] = loop.run_until_complete(
        create_datagram_endpoint(factory, HostAndPort("127.0.0.1", 0)));
    transport.sendto("x", transport.get_extra_info("sockname"));
    transport.close();
    loop.run_until_idle();
  });
}

}  // namespace test_no_memory
