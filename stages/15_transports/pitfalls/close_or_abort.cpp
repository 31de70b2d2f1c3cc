// close() is polite: it sends what is kept, and then ends the connection.
// abort() ends the connection now, and what is kept is lost. It is lost, too,
// when the loop ends: the loop does not wait for a transport that is still
// closing.
//
// Cure: close(), and wait for connection_lost() before the program ends.
// abort() is for a client that breaks the rules, or takes too long.
//
// Prints:
//   abort(): some of the bytes are lost
//   close(), and the loop ends: some of the bytes are lost
//   close(), and connection_lost() is waited for: every byte arrives
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <future>
#include <memory>
#include <string>

#include "asyncio.hpp"

using namespace asyncio;

static const std::string message(8 * 1024 * 1024, 'x');

class Sender : public Protocol {
 public:
  const Future<> lost;

 private:
  void connection_made(Transport transport) override {
    transport.write(message);
  }

  void connection_lost(std::exception_ptr) override { lost.set_result(); }
};

static Coroutine<> aborts(Transport transport, Future<> lost) {
  transport.abort();
  co_await lost;
}

static Coroutine<> closes(Transport transport, Future<>) {
  transport.close();
  co_return;
}

static Coroutine<> closes_and_waits(Transport transport, Future<> lost) {
  transport.close();
  co_await lost;
}

using End = Coroutine<> (*)(Transport, Future<>);

static Coroutine<> send(int fd, End end) {
  const auto [transport, sender] =
      co_await create_connection(std::make_shared<Sender>, Socket(fd));
  co_await end(transport, sender->lost);
}

/// The other side, in a thread of its own. Returns how many bytes arrive.
static std::size_t receive_all(int fd) {
  set_nonblocking(fd, false);
  std::size_t arrived = 0;
  char buffer[64 * 1024];
  while (true) {
    const auto count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count <= 0) {
      ::close(fd);
      return arrived;
    }
    arrived += static_cast<std::size_t>(count);
  }
}

static void try_out(const char* title, End end) {
  const auto [here, there] = stream_pair();
  auto arrived = std::async(std::launch::async, receive_all, there);
  run(send(here, end));
  std::printf("%s: %s\n", title,
              arrived.get() == message.size() ? "every byte arrives"
                                              : "some of the bytes are lost");
}

int main() {
  try_out("abort()", aborts);
  try_out("close(), and the loop ends", closes);
  try_out("close(), and connection_lost() is waited for", closes_and_waits);
}
