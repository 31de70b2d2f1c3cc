// One end of a pair of sockets writes twice and closes. How often, and with
// what, is the other end's data_received() called?
//
// Explanation:
// A stream of bytes has no messages. Each write() went into the kernel at once,
// so both lay there when the loop asked next, and one recv() took all of it.
// With a pause between the writes it would have been two calls, and a network
// may cut the bytes anywhere, within "Hello" as well: it is the protocol's
// business to find out where a message ends. The end of the stream is a call of
// its own, after all bytes.
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"

using namespace asyncio;

struct Listener : Protocol {
  void data_received(std::string_view data) override {
    std::printf("data_received: %s\n", std::string(data).c_str());
  }
  bool eof_received() override {
    std::printf("eof_received\n");
    return false;
  }
};

static Coroutine<> parent() {
  const auto [one, other] = stream_pair();
  const auto [reader, listener] =
      co_await create_connection(std::make_shared<Listener>, Socket(one));
  const auto [writer, silent] =
      co_await create_connection(std::make_shared<Protocol>, Socket(other));
  writer.write("Hello ");
  writer.write("World");
  writer.close();
  std::printf("written\n");
}

int main() {
  EventLoop loop;
  loop.run_until_complete(parent());
  // Until both connections are lost.
  loop.run_until_idle();
}
