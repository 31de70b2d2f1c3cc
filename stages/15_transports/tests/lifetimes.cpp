#include "recorder.hpp"

namespace test_lifetimes {

using namespace test_transports;

/// Does something to its own transport when it is called.
struct Acting : Recorder {
  using Recorder::Recorder;
  ~Acting() override {
    log.push_back("gone");
    if (transport) {
      // Whatever its state.
      transport.write("late");
      transport.close();
      transport.abort();
    }
  }
  void data_received(std::string_view data) override {
    if (act) {
      act(*this);
    }
    Recorder::data_received(data);
  }
  std::function<void(Acting&)> act;
};

TEST_CASE("lifetimes: after connection_lost the transport lets go") {
  Wire<Acting> wire;
  const std::weak_ptr<Acting> weak = std::exchange(wire.protocol, nullptr);
  CHECK_FALSE(weak.expired());
  wire.hang_up();
  wire.settle();
  CHECK(weak.expired());
  CHECK(wire.log == Lines{"made", "eof", "lost None", "gone"});
}

TEST_CASE("lifetimes: a loop that closes drops it, and calls nobody") {
  Lines log;
  Transport transport;
  int peer = -1;
  {
    Wire<Acting> wire;
    wire.transport.write(std::string(4 * 1024 * 1024, 'x'));
    transport = wire.transport;
    peer = std::exchange(wire.peer, -1);
    wire.protocol = nullptr;
    wire.loop.close();
    log = wire.log;
  }
  CHECK(log == Lines{"made", "pause", "gone"});
  // It may outlive the loop.
  CHECK(transport.is_closing());
  CHECK(transport.get_protocol() == nullptr);
  transport.close();
  transport.abort();
  transport.write("Hello");
  transport.pause_reading();
  transport.resume_reading();
  transport.write_eof();
  ::close(peer);
}

TEST_CASE("lifetimes: a loop that closes with everything still queued") {
  Lines log;
  int peer = -1;
  {
    const auto [here, there] = stream_pair();
    peer = there;
    Loop loop;
    const auto factory = [&log] { return std::make_shared<Acting>(log); };
    create_task(create_connection(factory, Socket(here, loop)), loop)
        .base().log_destroy_pending = false;
    // The transport is there, and connection_made() is queued.
    loop.run_once();
  }
  CHECK(log == Lines{"gone"});
  char byte = 0;
  CHECK(::recv(peer, &byte, 1, 0) == 0);
  ::close(peer);
}

TEST_CASE("lifetimes: callbacks that end the connection") {
  const auto close = [](Acting& self) { self.transport.close(); };
  const auto abort = [](Acting& self) { self.transport.abort(); };
  const auto forget = [](Acting& self) {
    self.transport.abort();
    self.transport = Transport();
  };
  for (const std::function<void(Acting&)>& act :
       std::vector<std::function<void(Acting&)>>{close, abort, forget}) {
    Wire<Acting> wire;
    wire.protocol->act = act;
    wire.protocol = nullptr;
    wire.transport = Transport();
    wire.send("Hello");
    wire.settle();
    CHECK(wire.log == Lines{"made", "data Hello", "lost None", "gone"});
  }
}

TEST_CASE("lifetimes: set_protocol in a callback of the old one") {
  Wire<Acting> wire;
  auto next = std::make_shared<Acting>(wire.log);
  wire.protocol->act = [&next](Acting& self) {
    next->transport = self.transport;
    self.transport.set_protocol(std::exchange(next, nullptr));
    self.transport = Transport();
  };
  wire.protocol = nullptr;
  wire.send("one");
  wire.settle();
  CHECK(wire.log == Lines{"made", "data one", "gone"});
  wire.send("two");
  wire.hang_up();
  wire.settle();
  CHECK(wire.log == Lines{"made", "data one", "gone", "data two", "eof",
                          "lost None", "gone"});
}

TEST_CASE("lifetimes: a transport needs a protocol") {
  Wire<> wire;
  CHECK_THROWS_WITH_AS(wire.transport.set_protocol(nullptr),
                       "a transport needs a protocol", std::invalid_argument);
  const auto [here, there] = stream_pair();
  const auto none = [] { return std::shared_ptr<Protocol>(); };
  CHECK_THROWS_WITH_AS(
      wire.loop.run_until_complete(
          create_connection(none, Socket(here, wire.loop))),
      "a transport needs a protocol", std::invalid_argument);
  char byte = 0;
  CHECK(::recv(there, &byte, 1, 0) == 0);
  ::close(there);
}

TEST_CASE("lifetimes: cancelled before connection_made") {
  Lines log;
  const auto [here, there] = stream_pair();
  Loop loop;
  const auto factory = [&log] { return std::make_shared<Recorder>(log); };
  const auto task =
      create_task(create_connection(factory, Socket(here, loop)), loop);
  loop.run_once();
  task.cancel();
  loop.run_until_idle();
  CHECK(task.cancelled());
  CHECK(log == Lines{"made", "lost None"});
  ::close(there);
}

TEST_CASE("lifetimes: no descriptor is left") {
  const int before = open_descriptors();
  {
    Wire<> closed;
    closed.transport.close();
    closed.settle();
    Wire<> left;
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("lifetimes: run_until_idle waits for connections") {
  Wire<> wire;
  wire.hang_up();
  wire.loop.run_until_idle();
  CHECK(wire.log == Lines{"made", "eof", "lost None"});
}

}  // namespace test_lifetimes
