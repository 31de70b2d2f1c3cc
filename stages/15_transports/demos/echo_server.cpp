#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/demo_port.hpp"

using namespace asyncio;

class EchoServer : public Protocol {
  void connection_made(Transport transport) override {
    const auto peername = transport.get_extra_info("peername");
    std::printf("connection from %s\n", to_string(peername).c_str());
    transport_ = transport;
  }

  void data_received(std::string_view data) override {
    std::printf("data received: %s\n", std::string(data).c_str());
    transport_.write(data);
    // Not before what was written is sent.
    transport_.close();
  }

  Transport transport_;
};

static void serve_echo() {
  const int port = demo_port(8888);
  EventLoop loop;
  loop.add_signal_handler(SIGINT, [] { throw KeyboardInterrupt(); });
  const auto server = loop.run_until_complete(
      create_server(std::make_shared<EchoServer>, "127.0.0.1", port));
  const auto sockname = server.sockets()[0].getsockname();
  std::printf("serving on %s\n", to_string(sockname).c_str());
  try {
    loop.run_forever();
  } catch (const KeyboardInterrupt&) {
    std::printf("exit\n");
  }
  server.close();
}

static const Demo<void()> demo{
    "echo_server", "answers echo_client, at port 8888", serve_echo};
