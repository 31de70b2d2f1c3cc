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
void talk(Wire<Echo>& wire, int times) {
  char buffer[1000] = {};
  for (int i = 0; i < times; ++i) {
    ::send(wire.peer, buffer, sizeof buffer, 0);
    wire.loop.run_once();
    ::recv(wire.peer, buffer, sizeof buffer, 0);
  }
}

TEST_CASE("no_allocation: an answer") {
  Wire<Echo> wire;
  talk(wire, 1);
  wire.protocol->looks = true;
  talk(wire, 10);
  CHECK(wire.protocol->messages == 11);
  CHECK_FALSE(wire.protocol->has_allocated);
}

TEST_CASE("no_allocation: none but the list of who is ready, one a round") {
  Wire<Echo> wire;
  talk(wire, 1);
  const FailingAllocation failing(101);
  talk(wire, 100);
  const bool has_failed = failing.has_failed();
  CHECK(wire.protocol->messages == 101);
  CHECK_FALSE(has_failed);
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
