#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "datagrams.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Sends back what it receives, but loses every other datagram.
class LossyEcho : public DatagramProtocol {
  void connection_made(DatagramTransport transport) override {
    transport_ = transport;
  }

  void datagram_received(std::string_view data, SocketAddress addr) override {
    if (++count_ % 2 == 1) {
      std::printf("  lost: %s\n", std::string(data).c_str());
    } else {
      transport_.sendto(data, addr);
    }
  }

  DatagramTransport transport_;
  int count_ = 0;
};

/// Sends each message until it comes back.
class Asker : public DatagramProtocol {
 public:
  explicit Asker(Future<> done) : done_(std::move(done)) {}

 private:
  void connection_made(DatagramTransport transport) override {
    transport_ = transport;
    ask();
  }

  void datagram_received(std::string_view data, SocketAddress) override {
    std::printf("answer: %s\n", std::string(data).c_str());
    again_.cancel();
    if (++number_ == 3) {
      done_.set_result();
    } else {
      ask();
    }
  }

  void ask() {
    const std::string message = "message " + std::to_string(number_);
    std::printf("sent: %s\n", message.c_str());
    transport_.sendto(message);
    again_ = get_running_loop().call_later(200ms, [this] { ask(); });
  }

  void connection_lost(std::exception_ptr) override { again_.cancel(); }

  DatagramTransport transport_;
  Future<> done_;
  TimerHandle again_;
  int number_ = 0;
};

static Coroutine<> ask_three_times() {
  const HostAndPort any_port("127.0.0.1", 0);
  const auto [server, echo] =
      co_await create_datagram_endpoint(std::make_shared<LossyEcho>, any_port);
  const int port = port_of(server.get_extra_info("sockname"));
  const Future<> done;
  const auto factory = [done] { return std::make_shared<Asker>(done); };
  const auto [client, asker] = co_await create_datagram_endpoint(
      factory, HostAndPort(), HostAndPort("127.0.0.1", port));
  co_await done;
  client.close();
  server.close();
}

static const Demo<Coroutine<>()> demo{
    "datagrams", "asks until an answer comes, of a lossy echo",
    ask_three_times};
