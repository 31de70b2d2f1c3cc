#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "serve.hpp"

using namespace asyncio;

static Coroutine<> echo(Socket client) {
  while (true) {
    std::string data = co_await sock_recv(client, 64 * 1024);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(client, std::move(data));
  }
}

static const Service<Coroutine<>(Socket)> server{
    "echo",
    "sends back what it receives",
    [](Socket listener) { return serve(std::move(listener), echo); },
};
