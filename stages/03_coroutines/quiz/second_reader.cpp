// Two coroutines wait for the same socket. One message comes. Which gets it?
//
// Explanation:
// There is one reader for each descriptor. The second sock_recv() would replace
// the first, which would wait for ever without any message; so the second is
// refused, at its own co_await. The first one still waits, and gets the
// message. (In CPython the second one wins, and the first never wakes.)
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;

static Coroutine<> reader(const char* name, int fd) {
  try {
    const std::string text = co_await sock_recv(fd, 100);
    std::printf("%s: %s\n", name, text.c_str());
  } catch (const std::logic_error&) {
    std::printf("%s: refused\n", name);
  }
}

int main() {
  EventLoop loop;
  const auto [left_fd, right_fd] = stream_pair();
  Socket left(left_fd, loop);
  Socket right(right_fd, loop);
  create_task(reader("first", left), loop);
  create_task(reader("second", left), loop);
  create_task(sock_sendall(right, "hello"), loop);
  loop.run_until_idle();
}
