#include "recorder.hpp"

namespace test_closing {

using namespace test_transports;

const std::string large(4 * 1024 * 1024, 'x');

/// All that the other end gets until the connection is lost.
template <class P>
std::string drain(Wire<P>& wire) {
  std::string all;
  while (wire.log.back() != "lost None") {
    all += wire.received();
    wire.loop.run_once();
  }
  return all + wire.received();
}

TEST_CASE("closing: connection_lost comes in the next round") {
  Wire<> wire;
  wire.transport.close();
  wire.transport.close();
  CHECK(wire.transport.is_closing());
  CHECK_FALSE(wire.transport.is_reading());
  CHECK(wire.log == Lines{"made"});
  wire.settle();
  CHECK(wire.log == Lines{"made", "lost None"});
  CHECK(wire.transport.get_protocol() == nullptr);
}

TEST_CASE("closing: close() loses nothing that was written") {
  Wire<> wire;
  wire.transport.write(large);
  wire.transport.close();
  CHECK(wire.log == Lines{"made", "pause"});
  CHECK(drain(wire).size() == large.size());
}

TEST_CASE("closing: but reads no more") {
  Wire<> wire;
  wire.transport.write(large);
  wire.send("Hello");
  wire.transport.close();
  drain(wire);
  CHECK(wire.log == Lines{"made", "pause", "resume", "lost None"});
}

TEST_CASE("closing: abort() drops what is kept") {
  Wire<> wire;
  wire.transport.write(large);
  wire.transport.abort();
  wire.transport.abort();
  CHECK(wire.transport.get_write_buffer_size() == 0);
  wire.settle();
  CHECK(wire.log == Lines{"made", "pause", "lost None"});
  CHECK(wire.received().size() < large.size());
}

TEST_CASE("closing: abort() after close() does not wait for the reader") {
  Wire<> wire;
  wire.transport.write(large);
  wire.transport.close();
  wire.transport.abort();
  wire.settle();
  CHECK(wire.log == Lines{"made", "pause", "lost None"});
}

TEST_CASE("closing: nothing is sent after that, and in the end it is said") {
  Wire<> wire;
  wire.transport.close();
  wire.transport.write("Hello");
  wire.settle();
  wire.transport.write("Hello");
  CHECK(wire.received() == "");
  wire.transport.close();
  wire.transport.abort();
  wire.transport.pause_reading();
  wire.transport.resume_reading();
  wire.transport.write_eof();
  wire.transport.set_write_buffer_limits(0);
  wire.transport.set_protocol(std::make_shared<Recorder>(wire.log));
  wire.settle();
  CHECK(wire.transport.get_protocol() == nullptr);
  CHECK(wire.log == Lines{"made", "lost None"});
}

TEST_CASE("closing: write_eof() closes one direction only") {
  Wire<> wire;
  CHECK(wire.transport.can_write_eof());
  wire.transport.write("last");
  wire.transport.write_eof();
  wire.transport.write_eof();
  CHECK_THROWS_WITH_AS(wire.transport.write("more"),
                       "Cannot call write() after write_eof()",
                       std::runtime_error);
  CHECK(wire.received() == "last");
  char byte = 0;
  CHECK(::recv(wire.peer, &byte, 1, 0) == 0);
  wire.send("Hello");
  wire.settle();
  CHECK(wire.log == Lines{"made", "data Hello"});
}

TEST_CASE("closing: write_eof() comes after what is kept") {
  Wire<> wire;
  wire.transport.write(large);
  wire.transport.write_eof();
  std::size_t received = 0;
  while (wire.transport.get_write_buffer_size() > 0) {
    received += wire.received().size();
    wire.loop.run_once();
  }
  received += wire.received().size();
  CHECK(received == large.size());
  char byte = 0;
  CHECK(::recv(wire.peer, &byte, 1, 0) == 0);
  CHECK_FALSE(wire.transport.is_closing());
}

TEST_CASE("closing: eof_received() may keep the connection") {
  Wire<> wire;
  wire.protocol->keep_open = true;
  ::shutdown(wire.peer, SHUT_WR);
  wire.settle();
  CHECK(wire.log == Lines{"made", "eof"});
  wire.transport.write("still here");
  CHECK(wire.received() == "still here");
  wire.transport.close();
  wire.settle();
  CHECK(wire.log == Lines{"made", "eof", "lost None"});
}

TEST_CASE("closing: what is kept goes out after the other side's end") {
  Wire<> wire;
  wire.transport.write(large);
  ::shutdown(wire.peer, SHUT_WR);
  CHECK(drain(wire).size() == large.size());
  CHECK(wire.log == Lines{"made", "pause", "eof", "resume", "lost None"});
}

/// Ends the connection when it may go on writing.
struct Ending : Recorder {
  using Recorder::Recorder;
  void resume_writing() override {
    Recorder::resume_writing();
    if (with_abort) {
      transport.abort();
    } else {
      transport.close();
    }
  }
  void connection_lost(std::exception_ptr exception) override {
    Recorder::connection_lost(exception);
    transport.write("ignored");
    transport.abort();
  }
  bool with_abort = false;
};

TEST_CASE("closing: in resume_writing, and connection_lost comes once") {
  for (const bool with_abort : {false, true}) {
    for (const bool closing : {false, true}) {
      Wire<Ending> wire;
      wire.protocol->with_abort = with_abort;
      wire.transport.write(large);
      if (closing) {
        wire.transport.close();
      }
      drain(wire);
      wire.settle();
      CHECK(wire.log == Lines{"made", "pause", "resume", "lost None"});
    }
  }
}

}  // namespace test_closing
