#include "common/command_line.hpp"
#include "connection.hpp"

class Echo : public Connection {
  using Connection::Connection;

  std::string reply(std::string_view received) override {
    return std::string(received);
  }
};

static void serve(asyncio::EventLoop& loop, int listener) {
  static Listener<Echo> server(loop, listener);
}

static const Service<void(asyncio::EventLoop&, int)> server{
    "echo", "sends back what it receives", serve};
