#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

static Coroutine<> ask(Socket socket) {
  co_await sock_sendall(socket, "hello");
  co_await sock_recv(socket, 100);
}

static Coroutine<> answer(Socket socket) {
  std::string question = co_await sock_recv(socket, 100);
  co_await sock_sendall(socket, std::move(question));
}

static Coroutine<> crowd() {
  if (raise_descriptor_limit() < 1300) {
    std::printf("this process may not open 1,200 descriptors\n");
    co_return;
  }
  std::vector<Coroutine<>> conversations;
  for (int i = 0; i < 600; ++i) {
    const auto [here, there] = stream_pair();
    conversations.push_back(ask(Socket(here)));
    conversations.push_back(answer(Socket(there)));
  }
  try {
    co_await gather(std::move(conversations));
    std::printf("1,200 descriptors at once: all have had their answer\n");
  } catch (const std::exception& error) {
    std::printf("1,200 descriptors at once: %s\n", error.what());
  }
}

static const Demo<Coroutine<>()> demo{
    "crowd", "more descriptors than select() can count", crowd};
