#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

static Coroutine<> ping(Socket table) {
  for (int round = 1; round <= 3; ++round) {
    std::printf("ping %d\n", round);
    co_await sock_sendall(table, std::to_string(round));
    const std::string answer = co_await sock_recv(table, 100);
    std::printf("ping hears \"%s\"\n", answer.c_str());
  }
  std::printf("ping goes home\n");
}

static Coroutine<> pong(Socket table) {
  while (true) {
    const std::string heard = co_await sock_recv(table, 100);
    if (heard.empty()) {
      std::printf("pong is alone\n");
      co_return;
    }
    std::printf("  pong hears \"%s\"\n", heard.c_str());
    co_await sock_sendall(table, "pong " + heard);
  }
}

static Coroutine<> pair() {
  const auto [left, right] = stream_pair();
  create_task(pong(Socket(right)));
  create_task(ping(Socket(left)));
  co_return;
}

static const Demo<Coroutine<>()> demo{
    "pair", "two coroutines, each waits for what the other says", pair};
