#include <sys/socket.h>

#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "serve.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Shuts a socket down unless it is destroyed in time. Whoever waits for the
/// socket then finds it at its end.
class Deadline {
 public:
  Deadline(int fd, Seconds delay)
      : timer_(get_running_loop().call_later(delay, [fd] {
          ::shutdown(fd, SHUT_RDWR);
        })) {}
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { timer_.cancel(); }

 private:
  TimerHandle timer_;
};

static Coroutine<> patient_echo(Socket client, Seconds patience) {
  while (true) {
    const Deadline deadline(client, patience);
    std::string data = co_await sock_recv(client, 64 * 1024);
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

static Coroutine<> both() {
  const auto [server, client] = stream_pair();
  create_task(patient_echo(Socket(server), 1s));
  co_await talkative_client(Socket(client));
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
