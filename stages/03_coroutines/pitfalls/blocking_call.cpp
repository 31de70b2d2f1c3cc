// A coroutine shares its thread with all others. If it calls a function that
// blocks, here recv() on a blocking socket, no other coroutine runs until that
// returns: no exception, no warning, the whole program stands still.
//
// Cure: wait with co_await, so that the loop can run the others meanwhile.
//
// Prints:
//   with a blocking recv():
//     reader begins
//     reader goes on after 0 ticks
//     tick
//     tick
//     tick
//   with co_await sock_recv():
//     reader begins
//     tick
//     tick
//     tick
//     reader goes on after 3 ticks
#include <sys/time.h>

#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;

static int ticks = 0;

/// Sends its answer after three ticks.
static Coroutine<> ticker(Socket socket) {
  for (int i = 0; i < 3; ++i) {
    co_await wait_writable(socket);
    std::printf("  tick\n");
    ++ticks;
  }
  co_await sock_sendall(socket, "answer");
}

static Coroutine<> blocking(Socket socket) {
  std::printf("  reader begins\n");
  // Without this limit the program would stand still for ever: ticker, which
  // sends the answer, cannot run.
  const timeval limit = {0, 50000};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  set_nonblocking(socket, false);
  char buffer[100];
  (void)!::recv(socket, buffer, sizeof buffer, 0);
  std::printf("  reader goes on after %d ticks\n", ticks);
  // Keeps the connection open until ticker has ended.
  set_nonblocking(socket);
  co_await sock_recv(socket, 100);
}

static Coroutine<> awaiting(Socket socket) {
  std::printf("  reader begins\n");
  co_await sock_recv(socket, 100);
  std::printf("  reader goes on after %d ticks\n", ticks);
}

static void run(Coroutine<> (*reader)(Socket)) {
  ticks = 0;
  EventLoop loop;
  const auto [left, right] = stream_pair();
  create_task(reader(Socket(left, loop)), loop);
  create_task(ticker(Socket(right, loop)), loop);
  loop.run_until_idle();
}

int main() {
  std::printf("with a blocking recv():\n");
  run(blocking);
  std::printf("with co_await sock_recv():\n");
  run(awaiting);
}
