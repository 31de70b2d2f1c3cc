// A call makes a coroutine and runs none of its body. Without co_await, this
// coroutine is dropped on the spot, and the data is never sent. Python warns at
// run time that the coroutine "was never awaited"; here the compiler warns,
// because Generator is [[nodiscard]].
//
// Cure: `co_await sock_sendall(client, "hello");`
//
// Compiles: no
// Error: nodiscard
#include "asyncio.hpp"

using namespace asyncio;

static Coroutine<> greet(Socket client) {
  sock_sendall(client, "hello");
  co_return;
}

int main() {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  Socket other(right, loop);
  create_task(greet(Socket(left, loop)), loop);
  loop.run_until_idle();
}
