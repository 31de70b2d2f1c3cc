#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/demo_port.hpp"

using namespace asyncio;

class EchoClient : public Protocol {
  void connection_made(Transport transport) override {
    const char* const message = "This is the message. It will be echoed.";
    transport.write(message);
    std::printf("data sent: %s\n", message);
  }

  void data_received(std::string_view data) override {
    std::printf("data received: %s\n", std::string(data).c_str());
  }

  void connection_lost(std::exception_ptr) override {
    std::printf("server closed the connection\n");
    get_running_loop().stop();
  }
};

static void send_to_echo() {
  const int port = demo_port(8888);
  EventLoop loop;
  loop.run_until_complete(
      create_connection(std::make_shared<EchoClient>, "127.0.0.1", port));
  loop.run_forever();
}

static const Demo<void()> demo{
    "echo_client", "sends one message to echo_server", send_to_echo};
