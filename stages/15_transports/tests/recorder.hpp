// A protocol that writes down what it is told, and one end of a pair of sockets
// that it talks through; the test holds the other end.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/net.hpp"
#include "common/testing.hpp"

namespace test_transports {

using namespace asyncio;
using namespace std::chrono_literals;

using Lines = std::vector<std::string>;

/// Tells a test whose loop waits for ever: all that is sent is there at once.
struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

struct Recorder : Protocol {
  explicit Recorder(Lines& its_log) : log(its_log) {}

  void connection_made(Transport its_transport) override {
    transport = its_transport;
    log.push_back("made");
  }
  void data_received(std::string_view data) override {
    log.push_back("data " + std::string(data));
  }
  bool eof_received() override {
    log.push_back("eof");
    return keep_open;
  }
  void connection_lost(std::exception_ptr exception) override {
    log.push_back("lost " + (exception ? describe(exception) : "None"));
  }
  void pause_writing() override { log.push_back("pause"); }
  void resume_writing() override { log.push_back("resume"); }

  Lines& log;
  Transport transport;
  bool keep_open = false;
};

/// A transport of `P`, which is given the log, and the other end of it.
template <class P = Recorder>
struct Wire {
  Wire() {
    const auto [here, there] = stream_pair();
    peer = there;
    loop.set_exception_handler(
        [this](const std::string& message, std::exception_ptr exception) {
          log.push_back(message +
                        (exception ? ": " + describe(exception) : ""));
        });
    protocol = std::make_shared<P>(log);
    loop.run_until_complete(connect(here));
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    loop.set_exception_handler(nullptr);
    hang_up();
  }

  Coroutine<> connect(int fd) {
    const auto factory = [this] { return protocol; };
    const auto [its_transport, same] =
        co_await create_connection(factory, Socket(fd));
    transport = its_transport;
  }

  /// Runs until there is nothing left to wait for.
  void settle() {
    try {
      for (int rounds = 0; rounds < 1000; ++rounds) {
        loop.run_once();
      }
      FAIL_CHECK("there is always something to do");
    } catch (const std::logic_error&) {
    }
  }

  /// What the other end has got so far.
  std::string received() {
    std::string all;
    char buffer[4096];
    while (true) {
      const auto count = ::recv(peer, buffer, sizeof buffer, 0);
      if (count <= 0) {
        return all;
      }
      all.append(buffer, static_cast<std::size_t>(count));
    }
  }

  void send(std::string_view data) {
    CHECK(::send(peer, data.data(), data.size(), MSG_NOSIGNAL) ==
          static_cast<long>(data.size()));
  }

  void hang_up() {
    if (peer >= 0) {
      ::close(std::exchange(peer, -1));
    }
  }

  Lines log;
  Loop loop;
  int peer = -1;
  std::shared_ptr<P> protocol;
  Transport transport;
};

}  // namespace test_transports
