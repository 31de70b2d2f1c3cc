// A coroutine asks again and again whether it can go on, and lets the others
// run in between with sleep(0). The program works, and uses a whole processor
// while nothing happens: as long as a callback is ready, the loop does not
// sleep.
//
// Cure: wait for the event itself. (sleep(0) is for a long computation that
// lets the others have a turn.)
//
// Prints:
//   polling: "hello", asked more than 1000 times
//   waiting: "hello", asked 1 time
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> polling(Socket socket) {
  std::optional<std::string> data;
  long asked = 0;
  while (!data) {
    data = try_recv(socket, 100);
    ++asked;
    co_await sleep(0s);
  }
  std::printf("polling: \"%s\", asked %s times\n", data->c_str(),
              asked > 1000 ? "more than 1000" : "a few");
}

static Coroutine<> waiting(Socket socket) {
  std::optional<std::string> data;
  long asked = 0;
  while (!data) {
    co_await wait_readable(socket);
    data = try_recv(socket, 100);
    ++asked;
  }
  std::printf("waiting: \"%s\", asked %ld time\n", data->c_str(), asked);
}

static Coroutine<> say_hello(Socket socket) {
  co_await sleep(200ms);
  co_await sock_sendall(socket, "hello");
}

static void run(Coroutine<> (*receive)(Socket)) {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  create_task(say_hello(Socket(left, loop)), loop);
  create_task(receive(Socket(right, loop)), loop);
  loop.run_until_idle();
}

int main() {
  run(polling);
  run(waiting);
}
