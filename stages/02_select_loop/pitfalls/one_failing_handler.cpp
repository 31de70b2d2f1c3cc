// A loop that calls its callbacks without a try block ends at the first one
// that throws: an error of one client ends the conversations of all.
//
// Cure: the loop catches the exception, passes it to call_exception_handler,
// and goes on.
//
// Stderr: Exception in callback: this client was bad
// Prints:
//   naive: client 1 is served
//   naive: the loop has ended: this client was bad
//   EventLoop: client 1 is served
//   EventLoop: client 3 is served
#include <cstdio>
#include <deque>
#include <exception>
#include <functional>
#include <stdexcept>

#include "event_loop.hpp"

static void serve(const char* loop, int client) {
  if (client == 2) {
    throw std::runtime_error("this client was bad");
  }
  std::printf("%s: client %d is served\n", loop, client);
}

static void run_naive_loop() {
  std::deque<std::function<void()>> ready;
  for (int client = 1; client <= 3; ++client) {
    ready.push_back([client] { serve("naive", client); });
  }
  while (!ready.empty()) {
    const auto callback = ready.front();
    ready.pop_front();
    callback();
  }
}

int main() {
  try {
    run_naive_loop();
  } catch (const std::exception& error) {
    std::printf("naive: the loop has ended: %s\n", error.what());
  }

  asyncio::EventLoop loop;
  for (int client = 1; client <= 3; ++client) {
    loop.call_soon([client] { serve("EventLoop", client); });
  }
  loop.run_once();
}
