#include "recorder.hpp"

namespace test_no_allocation {

using namespace test_transports;

/// Sends back what it gets, and notes whether that has asked for memory.
struct Echo : Protocol {
  explicit Echo(Lines&) {}

  void connection_made(Transport its_transport) override {
    transport = its_transport;
  }
  void data_received(std::string_view data) override {
    ++messages;
    if (looks) {
      const FailingAllocation failing(1);
      transport.write(data);
      has_allocated = has_allocated || failing.has_failed();
    } else {
      transport.write(data);
    }
  }

  Transport transport;
  int messages = 0;
  bool looks = false;
  bool has_allocated = false;
};

/// A message there and back, without a call that could ask for memory itself.
void talk(EventLoop& loop, int peer, int times) {
  char buffer[1000] = {};
  for (int i = 0; i < times; ++i) {
    ::send(peer, buffer, sizeof buffer, 0);
    loop.run_once();
    ::recv(peer, buffer, sizeof buffer, 0);
  }
}

/// How often that asks for memory, after the first message.
long allocations(EventLoop& loop, int peer) {
  talk(loop, peer, 1);
  const FailingAllocation never(1'000'000);
  talk(loop, peer, 100);
  return never.count();
}

TEST_CASE("no_allocation: an answer") {
  Wire<Echo> wire;
  talk(wire.loop, wire.peer, 1);
  wire.protocol->looks = true;
  talk(wire.loop, wire.peer, 10);
  CHECK(wire.protocol->messages == 11);
  CHECK_FALSE(wire.protocol->has_allocated);
}

TEST_CASE("no_allocation: none but those of a loop with a bare callback") {
  Wire<Echo> wire;
  const long with_transport = allocations(wire.loop, wire.peer);
  CHECK(wire.protocol->messages == 101);

  Loop loop;
  const auto [here, there] = stream_pair();
  const Socket sock(here, loop);
  const Socket peer(there, loop);
  loop.add_reader(here, [fd = here] {
    char buffer[1000];
    const auto count = ::recv(fd, buffer, sizeof buffer, 0);
    ::send(fd, buffer, static_cast<std::size_t>(count), 0);
  });
  // The list of who is ready, in each round.
  CHECK(with_transport == allocations(loop, there));
}

TEST_CASE("no_allocation: what is kept uses the room of what was kept before") {
  Wire<Echo> wire;
  const Transport transport = wire.transport;
  const std::string some(1024, 'x');
  const auto fill = [&] {
    while (transport.get_write_buffer_size() < 64 * 1024) {
      transport.write(some);
    }
  };
  const auto drain = [&] {
    char buffer[4096];
    while (transport.get_write_buffer_size() > 0) {
      while (::recv(wire.peer, buffer, sizeof buffer, 0) > 0) {
      }
      wire.loop.run_once();
    }
    while (::recv(wire.peer, buffer, sizeof buffer, 0) > 0) {
    }
  };
  fill();
  drain();
  const FailingAllocation failing(1);
  fill();
  const bool has_failed = failing.has_failed();
  CHECK_FALSE(has_failed);
}

}  // namespace test_no_allocation
