#include "common/plus42.hpp"

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "serve.hpp"

using namespace asyncio;

static Coroutine<> plus42(Socket client) {
  Plus42 conversation;
  while (true) {
    std::string data = co_await sock_recv(client, 64 * 1024);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(client, conversation.feed(data));
  }
}

static const Service<Coroutine<>(Socket)> server{
    "plus42",
    "answers each number with number + 42",
    [](Socket listener) { return serve(std::move(listener), plus42); },
};
