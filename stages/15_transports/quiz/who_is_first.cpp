// A protocol says a word and closes the connection, all in connection_made().
// In which order are the six lines printed?
//
// Explanation:
// close() calls nothing: it asks the loop to call connection_lost() soon. But
// create_connection() has to wait, too. Its task is woken after
// connection_made(), so it stands behind connection_lost() in the queue, and
// the transport that it returns has lost its connection already. In Python it
// is the same. A program that goes on with the transport has to be ready for
// that: write() to such a transport does nothing.
#include <cstdio>
#include <exception>
#include <memory>

#include "asyncio.hpp"

using namespace asyncio;

struct Hasty : Protocol {
  void connection_made(Transport transport) override {
    std::printf("connection_made\n");
    transport.write("Hello");
    transport.close();
    std::printf("close() has returned\n");
  }
  void connection_lost(std::exception_ptr) override {
    std::printf("connection_lost\n");
  }
};

static Coroutine<> parent() {
  const auto [here, there] = stream_pair();
  const Socket peer(there);
  std::printf("before\n");
  const auto [transport, protocol] =
      co_await create_connection(std::make_shared<Hasty>, Socket(here));
  std::printf("create_connection() has returned\n");
  std::printf("closing: %s\n", transport.is_closing() ? "yes" : "no");
}

int main() { run(parent()); }
