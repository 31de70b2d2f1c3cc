#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

class Upper : public Protocol {
  void connection_made(Transport transport) override { transport_ = transport; }

  void data_received(std::string_view data) override {
    std::string answer(data);
    for (char& letter : answer) {
      letter = 'a' <= letter && letter <= 'z' ? letter - 'a' + 'A' : letter;
    }
    transport_.write(answer);
  }

  Transport transport_;
};

static Coroutine<> serve(Socket listener) {
  const auto server = co_await create_server(std::make_shared<Upper>,
                                             std::move(listener));
  co_await server.serve_forever();
}

static const Service<Coroutine<>(Socket)> server{
    "upper", "sends back in capitals what it receives", serve};
