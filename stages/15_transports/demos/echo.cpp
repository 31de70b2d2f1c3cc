#include <memory>
#include <string_view>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

class Echo : public Protocol {
  void connection_made(Transport transport) override { transport_ = transport; }

  void data_received(std::string_view data) override { transport_.write(data); }

  // Who does not read is not read from.
  void pause_writing() override { transport_.pause_reading(); }
  void resume_writing() override { transport_.resume_reading(); }

  Transport transport_;
};

static Coroutine<> serve(Socket listener) {
  const auto server = co_await create_server(std::make_shared<Echo>,
                                             std::move(listener));
  co_await server.serve_forever();
}

static const Service<Coroutine<>(Socket)> server{
    "echo", "sends back what it receives", serve};
