// A loop over a generator breaks out. The generator stays where it is, half-way
// and with all it holds, for as long as somebody keeps it: here the only
// connection of a pool, so that the next one who asks waits for ever.
//
// Cure: aclosing() around the loop.
//
// Prints:
//   breaks out: found 2
//   breaks out: no connection is free
//   with aclosing: found 2
//   with aclosing: found 2
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static int free_connections = 1;

struct Connection {
  Connection() { --free_connections; }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ++free_connections; }
};

static AsyncGenerator<int> rows() {
  while (free_connections == 0) {
    co_await sleep(1s);
  }
  const Connection connection;
  for (int i = 0; i < 5; ++i) {
    co_await sleep(1s);
    co_yield i;
  }
}

static Coroutine<> find(const char* title, AsyncGenerator<int> generator) {
  while (const auto row = co_await generator.anext()) {
    if (*row == 2) {
      std::printf("%s: found %d\n", title, *row);
      break;
    }
  }
}

static Coroutine<> breaks_out() {
  auto one = rows();
  co_await find("breaks out", one);
  auto other = rows();
  try {
    co_await wait_for(find("breaks out", other), 1h);
  } catch (const TimeoutError&) {
    std::printf("breaks out: no connection is free\n");
  }
}

static Coroutine<> with_aclosing() {
  auto one = rows();
  co_await async_with(aclosing(one), find("with aclosing", one));
  auto other = rows();
  co_await async_with(aclosing(other), find("with aclosing", other));
}

static Coroutine<> both() {
  co_await breaks_out();
  co_await sleep(1s);
  co_await with_aclosing();
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
