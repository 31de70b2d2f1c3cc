#include <cstdio>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "serve.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Hangs up, which closing the socket does, on a client that is silent.
static Coroutine<> patient_echo(Socket client, Seconds patience) {
  while (true) {
    std::string data = co_await async_with(
        timeout(patience), sock_recv(client, 64 * 1024));
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(client, std::move(data));
  }
}

static Coroutine<> talkative_client(Socket server) {
  static const char* const words[] = {"Is there anybody?", "Good night."};
  for (const char* const word : words) {
    co_await sock_sendall(server, word);
    const std::string answer = co_await sock_recv(server, 100);
    std::printf("answer: \"%s\"\n", answer.c_str());
    co_await sleep(100ms);
  }
  const std::string answer = co_await sock_recv(server, 100);
  std::printf("answer: \"%s\", %s\n", answer.c_str(),
              answer.empty() ? "the server has hung up" : "out of nowhere");
}

static Coroutine<> impatient_server(Socket client) {
  try {
    co_await patient_echo(std::move(client), 1s);
  } catch (const TimeoutError&) {
    std::printf("the server: timed out\n");
  }
}

static Coroutine<> both() {
  const auto [server, client] = stream_pair();
  TaskGroup group;
  const auto body = [&group, server = server,
                     client = client]() -> Coroutine<> {
    group.create_task(impatient_server(Socket(server)));
    group.create_task(talkative_client(Socket(client)));
    co_return;
  };
  co_await async_with(group, body());
}

static const Demo<Coroutine<>()> demo{
    "idle", "an echo server hangs up on a silent client", both};

static Coroutine<> idle_echo(Socket client) {
  return patient_echo(std::move(client), 10s);
}

static const Service<Coroutine<>(Socket)> server{
    "idle",
    "echo, but hangs up on a client that is silent for 10 s",
    [](Socket listener) { return serve(std::move(listener), idle_echo); },
};
