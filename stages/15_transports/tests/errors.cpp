#include <fcntl.h>
#include <sys/resource.h>
#include <sys/select.h>

#include "recorder.hpp"

namespace test_errors {

using namespace test_transports;

/// Throws in one of its functions.
struct Throwing : Recorder {
  using Recorder::Recorder;

  void data_received(std::string_view data) override {
    Recorder::data_received(data);
    throw std::runtime_error("no data");
  }
  bool eof_received() override {
    Recorder::eof_received();
    throw std::runtime_error("no eof");
  }
  void connection_lost(std::exception_ptr exception) override {
    Recorder::connection_lost(exception);
    throw std::runtime_error("not lost");
  }
};

TEST_CASE("errors: data_received that throws ends the connection") {
  Wire<Throwing> wire;
  wire.send("Hello");
  wire.settle();
  CHECK(wire.log == Lines{
      "made",
      "data Hello",
      "Fatal error: protocol.data_received() call failed.: no data",
      "lost no data",
      "Exception in callback: not lost",
  });
  char byte = 0;
  CHECK(::recv(wire.peer, &byte, 1, 0) == 0);
}

TEST_CASE("errors: eof_received that throws, too") {
  Wire<Throwing> wire;
  wire.hang_up();
  wire.settle();
  CHECK(wire.log == Lines{
      "made",
      "eof",
      "Fatal error: protocol.eof_received() call failed.: no eof",
      "lost no eof",
      "Exception in callback: not lost",
  });
}

TEST_CASE("errors: connection_made that throws does not") {
  struct Bad : Recorder {
    using Recorder::Recorder;
    void connection_made(Transport) override {
      throw std::runtime_error("not made");
    }
  };
  Wire<Bad> wire;
  wire.send("Hello");
  wire.settle();
  CHECK(wire.log == Lines{"Exception in callback: not made", "data Hello"});
  CHECK_FALSE(wire.transport.is_closing());
}

TEST_CASE("errors: a socket that the selector refuses") {
  const auto [here, peer] = stream_pair();
  raise_descriptor_limit();
  const int high = ::fcntl(here, F_DUPFD_CLOEXEC, FD_SETSIZE);
  ::close(here);
  REQUIRE(high >= FD_SETSIZE);
  Lines log;
  EventLoop loop(std::make_unique<SelectSelector>());
  loop.use_virtual_clock();
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr exception) {
        log.push_back(message + ": " + describe(exception).substr(0, 10));
      });
  const auto factory = [&log] { return std::make_shared<Recorder>(log); };
  loop.run_until_complete(create_connection(factory, Socket(high, loop)));
  loop.run_until_idle();
  loop.set_exception_handler(nullptr);
  REQUIRE(log.size() == 3);
  CHECK(log[0] == "made");
  CHECK(log[1] == "Fatal error: cannot read: descriptor");
  CHECK(log[2].starts_with("lost descriptor"));
  char byte = 0;
  CHECK(::recv(peer, &byte, 1, 0) == 0);
  ::close(peer);
}

TEST_CASE("errors: those of the system are no surprise, and not reported") {
  struct Broken : Recorder {
    using Recorder::Recorder;
    void data_received(std::string_view) override {
      throw std::system_error(EIO, std::generic_category(), "disk");
    }
  };
  Wire<Broken> wire;
  wire.send("Hello");
  wire.settle();
  CHECK(wire.log == Lines{"made", "lost disk: Input/output error"});
}

TEST_CASE("errors: Ctrl-C in a callback ends the run, not the connection") {
  struct Interrupted : Recorder {
    using Recorder::Recorder;
    void data_received(std::string_view) override { throw KeyboardInterrupt(); }
    void pause_writing() override { throw KeyboardInterrupt(); }
  };
  Wire<Interrupted> wire;
  wire.send("Hello");
  CHECK_THROWS_AS(wire.loop.run_forever(), KeyboardInterrupt);
  CHECK_FALSE(wire.transport.is_closing());
  CHECK_THROWS_AS(wire.transport.write(std::string(4 * 1024 * 1024, 'x')),
                  KeyboardInterrupt);
  CHECK_FALSE(wire.transport.is_closing());
}

TEST_CASE("errors: nobody reads any more") {
  Wire<> wire;
  wire.hang_up();
  wire.transport.write("Hello");
  CHECK(wire.transport.is_closing());
  wire.settle();
  CHECK(wire.log == Lines{"made", "lost send: Broken pipe"});
}

TEST_CASE("errors: nobody reads what is kept") {
  Wire<> wire;
  wire.transport.pause_reading();
  wire.transport.write(std::string(4 * 1024 * 1024, 'x'));
  wire.hang_up();
  wire.settle();
  CHECK(wire.transport.get_write_buffer_size() == 0);
  CHECK(wire.log == Lines{"made", "pause", "lost send: Broken pipe"});
}

TEST_CASE("errors: the other side's reset") {
  Wire<> wire;
  // Unread bytes at its end: close() is a reset.
  wire.transport.write("unread");
  wire.hang_up();
  wire.settle();
  CHECK(wire.log == Lines{"made", "lost recv: Connection reset by peer"});
}

struct Given : BufferedProtocol {
  explicit Given(Lines& its_log) : log(its_log) {}
  void connection_made(Transport) override { log.push_back("made"); }
  std::span<char> get_buffer(std::ptrdiff_t sizehint) override {
    CHECK(sizehint == -1);
    if (wrong == "throws") {
      throw std::runtime_error("no buffer");
    }
    return std::span<char>(room, wrong == "empty" ? 0 : sizeof room);
  }
  void buffer_updated(std::size_t size) override {
    log.push_back("updated " + std::string(room, size));
    if (wrong == "updated") {
      throw std::runtime_error("not this");
    }
  }
  bool eof_received() override {
    log.push_back("eof");
    return false;
  }
  void connection_lost(std::exception_ptr exception) override {
    log.push_back("lost " + (exception ? describe(exception) : "None"));
  }

  Lines& log;
  char room[4] = {};
  std::string wrong;
};

TEST_CASE("errors: a BufferedProtocol says where the bytes go") {
  Wire<Given> wire;
  wire.send("Hello");
  wire.settle();
  wire.hang_up();
  wire.settle();
  CHECK(wire.log ==
        Lines{"made", "updated Hell", "updated o", "eof", "lost None"});
}

TEST_CASE("errors: those of a BufferedProtocol") {
  const std::vector<std::pair<std::string, Lines>> cases = {
      {"empty",
       {"made",
        "Fatal error: protocol.get_buffer() call failed.: "
        "get_buffer() returned an empty buffer",
        "lost get_buffer() returned an empty buffer"}},
      {"throws",
       {"made", "Fatal error: protocol.get_buffer() call failed.: no buffer",
        "lost no buffer"}},
      {"updated",
       {"made", "updated Hell",
        "Fatal error: protocol.buffer_updated() call failed.: not this",
        "lost not this"}},
  };
  for (const auto& [wrong, expected] : cases) {
    Wire<Given> wire;
    wire.protocol->wrong = wrong;
    wire.send("Hello");
    wire.settle();
    CHECK(wire.log == expected);
  }
}

}  // namespace test_errors
