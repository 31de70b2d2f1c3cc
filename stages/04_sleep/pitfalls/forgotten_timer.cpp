// A timer holds a descriptor, which is only a number, and it is not cancelled
// when the connection ends. The next connection gets the same number, and the
// timer shuts that one down.
//
// Cure: the connection owns its timer. A destructor that cancels it works on
// every way out: return, exception, a loop that closes.
//
// Prints:
//   forgotten: the next client receives ""
//   cancelled: the next client receives "hello"
#include <csignal>
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static TimerHandle shut_down_later(const Socket& socket) {
  const int fd = socket.fileno();
  return get_running_loop().call_later(100ms, [fd] {
    ::shutdown(fd, SHUT_RDWR);
  });
}

static void first_client(bool cancel) {
  const auto [left, right] = stream_pair();
  const Socket client(left);
  const Socket server(right);
  TimerHandle timer = shut_down_later(client);
  if (cancel) {
    timer.cancel();
  }
}

static Coroutine<> next_client(const char* what) {
  const auto [left, right] = stream_pair();
  const Socket client(left);
  const Socket server(right);
  co_await sleep(200ms);
  ::send(server, "hello", 5, 0);
  const std::string data = co_await sock_recv(client, 100);
  std::printf("%s: the next client receives \"%s\"\n", what, data.c_str());
}

static Coroutine<> clients() {
  first_client(false);
  co_await next_client("forgotten");
  first_client(true);
  co_await next_client("cancelled");
}

int main() {
  std::signal(SIGPIPE, SIG_IGN);
  EventLoop loop;
  create_task(clients(), loop);
  loop.run_until_idle();
}
