// A table from descriptors to coroutines has one place for each descriptor. If
// two coroutines wait for the same one, the second replaces the first, which
// then waits for ever. There is no error and no message; the program is only
// slower, or stands still. The ancestors of this loop had this fault, and in
// CPython a second sock_recv() still has it.
//
// Cure: refuse the second coroutine, by an exception at its own co_await.
// Driver::watch does that here.
//
// Prints:
//   one table, the second overwrites:
//     second got "x"
//     1 of 2 still waits, and nothing will ever wake it
//   the second is refused:
//     second: descriptor is already waited for
//     first got "x"
//     0 of 2 still wait
#include <cstdio>
#include <map>

#include "asyncio.hpp"

using namespace asyncio;

static int waiting = 0;

static Coroutine<> reader(const char* name, int fd) {
  ++waiting;
  try {
    const std::string data = co_await sock_recv(fd, 100);
    std::printf("  %s got \"%s\"\n", name, data.c_str());
  } catch (const std::logic_error&) {
    std::printf("  %s: descriptor is already waited for\n", name);
  }
  --waiting;
}

static void naive(int left, int right) {
  Coroutine<> first = reader("first", left);
  Coroutine<> second = reader("second", left);
  std::map<int, Coroutine<>*> wait_read;
  for (Coroutine<>* coroutine : {&first, &second}) {
    wait_read[coroutine->next()->fd] = coroutine;
  }
  if (::write(right, "x", 1) != 1) {
    throw_errno("write");
  }
  wait_read[left]->next();
  std::printf("  %d of 2 still waits, and nothing will ever wake it\n",
              waiting);
}

static void cured(EventLoop& loop, int left, int right) {
  create_task(reader("first", left), loop);
  create_task(reader("second", left), loop);
  create_task(sock_sendall(right, "x"), loop);
  loop.run_until_idle();
  std::printf("  %d of 2 still wait\n", waiting);
}

int main() {
  EventLoop loop;
  const auto [left_fd, right_fd] = stream_pair();
  Socket left(left_fd, loop);
  Socket right(right_fd, loop);
  std::printf("one table, the second overwrites:\n");
  naive(left, right);
  waiting = 0;
  std::printf("the second is refused:\n");
  cured(loop, left, right);
}
