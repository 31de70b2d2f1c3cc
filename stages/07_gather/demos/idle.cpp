#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "serve.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> patient_echo(Socket client, Seconds patience) {
  try {
    while (true) {
      std::string data =
          co_await wait_for(sock_recv(client, 64 * 1024), patience);
      if (data.empty()) {
        co_return;
      }
      co_await sock_sendall(client, std::move(data));
    }
  } catch (const TimeoutError&) {
    // The end of this function hangs up.
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

static Coroutine<> both() {
  const auto [server, client] = stream_pair();
  co_await gather(patient_echo(Socket(server), 1s),
                  talkative_client(Socket(client)));
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
