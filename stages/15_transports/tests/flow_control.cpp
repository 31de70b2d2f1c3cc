#include "recorder.hpp"

namespace test_flow_control {

using namespace test_transports;

/// Fills the kernel's buffer, so that all that follows is kept.
void fill(const Transport& transport) {
  const std::string some(1024, 'x');
  while (transport.get_write_buffer_size() == 0) {
    transport.write(some);
  }
}

TEST_CASE("flow_control: pauses above the high-water mark") {
  Wire<> wire;
  CHECK(wire.transport.get_write_buffer_limits() ==
        std::pair<std::size_t, std::size_t>(16 * 1024, 64 * 1024));
  fill(wire.transport);
  const std::size_t kept = wire.transport.get_write_buffer_size();
  wire.transport.write(std::string(64 * 1024 - kept, 'x'));
  CHECK(wire.log == Lines{"made"});
  wire.transport.write("x");
  CHECK(wire.log == Lines{"made", "pause"});
  // Once is enough.
  wire.transport.write("x");
  CHECK(wire.log == Lines{"made", "pause"});
}

TEST_CASE("flow_control: resumes at the low-water mark") {
  Wire<> wire;
  // Far apart: the kernel takes large pieces.
  wire.transport.set_write_buffer_limits(1024 * 1024, 16 * 1024);
  fill(wire.transport);
  wire.transport.write(std::string(1024 * 1024, 'x'));
  CHECK(wire.log == Lines{"made", "pause"});
  while (wire.log.size() == 2) {
    CHECK(wire.transport.get_write_buffer_size() > 16 * 1024);
    wire.received();
    wire.loop.run_once();
  }
  CHECK(wire.log == Lines{"made", "pause", "resume"});
  CHECK(wire.transport.get_write_buffer_size() <= 16 * 1024);
}

TEST_CASE("flow_control: the marks may be moved") {
  Wire<> wire;
  using Limits = std::pair<std::size_t, std::size_t>;
  wire.transport.set_write_buffer_limits(400);
  CHECK(wire.transport.get_write_buffer_limits() == Limits(100, 400));
  wire.transport.set_write_buffer_limits(std::nullopt, 10);
  CHECK(wire.transport.get_write_buffer_limits() == Limits(10, 40));
  CHECK_THROWS_WITH_AS(wire.transport.set_write_buffer_limits(1, 2),
                       "high (1) must be >= low (2)", std::invalid_argument);
  wire.transport.set_write_buffer_limits();
  CHECK(wire.transport.get_write_buffer_limits() ==
        Limits(16 * 1024, 64 * 1024));
  fill(wire.transport);
  CHECK(wire.log == Lines{"made"});
  // As in CPython it pauses, but does not resume, when the marks move.
  wire.transport.set_write_buffer_limits(0);
  CHECK(wire.log == Lines{"made", "pause"});
}

TEST_CASE("flow_control: a source that is paused keeps memory bounded") {
  struct Source : Recorder {
    using Recorder::Recorder;
    void connection_made(Transport its_transport) override {
      Recorder::connection_made(its_transport);
      pour();
    }
    void pause_writing() override { paused = true; }
    void resume_writing() override {
      paused = false;
      pour();
    }
    void pour() {
      const std::string block(8 * 1024, 'x');
      while (!paused && written < 4 * 1024 * 1024) {
        transport.write(block);
        written += block.size();
        most = std::max(most, transport.get_write_buffer_size());
      }
    }
    std::size_t written = 0;
    std::size_t most = 0;
    bool paused = false;
  };
  Wire<Source> wire;
  Source& source = *wire.protocol;
  CHECK(source.paused);
  std::size_t received = wire.received().size();
  while (received < 4 * 1024 * 1024) {
    wire.loop.run_once();
    received += wire.received().size();
  }
  CHECK(source.written == received);
  // The mark, and the one block that went beyond it.
  CHECK(source.most <= (64 + 8) * 1024);
}

TEST_CASE("flow_control: pause_writing that throws is only reported") {
  struct Bad : Recorder {
    using Recorder::Recorder;
    void pause_writing() override { throw std::runtime_error("no"); }
    void resume_writing() override { throw std::runtime_error("neither"); }
  };
  Wire<Bad> wire;
  wire.transport.write(std::string(4 * 1024 * 1024, 'x'));
  CHECK(wire.log == Lines{"made", "protocol.pause_writing() failed: no"});
  while (wire.log.size() == 2) {
    wire.received();
    wire.loop.run_once();
  }
  CHECK(wire.log.back() == "protocol.resume_writing() failed: neither");
  CHECK_FALSE(wire.transport.is_closing());
}

TEST_CASE("flow_control: reading can pause, too") {
  Wire<> wire;
  CHECK(wire.transport.is_reading());
  wire.transport.pause_reading();
  wire.transport.pause_reading();
  CHECK_FALSE(wire.transport.is_reading());
  wire.send("Hello");
  wire.settle();
  CHECK(wire.log == Lines{"made"});
  wire.transport.resume_reading();
  wire.transport.resume_reading();
  CHECK(wire.transport.is_reading());
  wire.settle();
  CHECK(wire.log == Lines{"made", "data Hello"});
}

TEST_CASE("flow_control: paused in connection_made it does not begin to read") {
  struct Paused : Recorder {
    using Recorder::Recorder;
    void connection_made(Transport its_transport) override {
      Recorder::connection_made(its_transport);
      transport.pause_reading();
    }
  };
  Wire<Paused> wire;
  wire.send("Hello");
  wire.settle();
  CHECK(wire.log == Lines{"made"});
  wire.transport.resume_reading();
  wire.settle();
  CHECK(wire.log == Lines{"made", "data Hello"});
}

TEST_CASE("flow_control: what a trace says of it") {
  const auto trace = traced([] {
    Wire<> wire;
    wire.transport.set_write_buffer_limits(10, 10);
    wire.send("Hello");
    wire.loop.run_once();
    fill(wire.transport);
    wire.received();
    wire.loop.run_once();
    wire.received();
    wire.hang_up();
    wire.settle();
  });
  const Lines events{
      "i connection made {\"fd\":",
      "i received {\"fd\":",
      "i write {\"fd\":",
      "i kept {\"fd\":",
      "i pause writing {\"fd\":",
      "i resume writing {\"fd\":",
      "i eof received {\"fd\":",
      "i connection lost {\"fd\":",
  };
  CHECK(missing(trace, events) == Lines());
}

}  // namespace test_flow_control
