#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/net.hpp"
#include "transports.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

namespace {

class Echo : public Protocol {
  void connection_made(Transport transport) override {
    std::printf("echo: connection made\n");
    transport_ = transport;
  }

  void data_received(std::string_view data) override {
    std::printf("echo: received %s\n", std::string(data).c_str());
    transport_.write(data);
  }

  void connection_lost(std::exception_ptr) override {
    std::printf("echo: connection lost\n");
  }

  Transport transport_;
};

}  // namespace

static Coroutine<> talk() {
  const auto [here, there] = stream_pair();
  const Future<> made;
  make_socket_transport(get_running_loop(), Socket(there),
                        std::make_shared<Echo>(), made);
  co_await made;
  Socket client(here);
  co_await sock_sendall(client, "hello");
  const std::string answer = co_await sock_recv(client, 1024);
  std::printf("client: received %s, hangs up\n", answer.c_str());
  client.close();
  co_await sleep(100ms);
}

static const Demo<Coroutine<>()> demo{
    "by_hand", "a transport between a socket and an echo", talk};
