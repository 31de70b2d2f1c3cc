// A client may end its side of a connection and still wait for the answer, as
// `echo question | nc` does. The protocol decides what happens then, by what
// eof_received() returns. If it returns false, as the inherited function does,
// the transport closes at once, and an answer written later is dropped in
// silence. If it returns true, the connection stays open until the protocol
// closes it.
//
// Cure: if an answer is still due, return true, and close() after it.
//
// Prints:
//   returns false: the client gets '', and the connection has ended
//   returns true: the client gets '42', and the connection is open
//   returns true and closes: the client gets '42', and the connection has ended
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Thinks for a second.
template <bool keeps_open, bool closes>
class Answering : public Protocol {
  void connection_made(Transport transport) override { transport_ = transport; }

  void data_received(std::string_view) override {
    get_running_loop().call_later(1s, [transport = transport_] {
      transport.write("42");
      if (closes) {
        transport.close();
      }
    });
  }

  bool eof_received() override { return keeps_open; }

  Transport transport_;
};

class Asker : public Protocol {
 public:
  std::string answer;
  bool ended = false;

 private:
  void connection_made(Transport transport) override {
    transport.write("6 * 7?");
    transport.write_eof();
  }

  void data_received(std::string_view data) override { answer += data; }

  void connection_lost(std::exception_ptr) override { ended = true; }
};

template <class Server>
static Coroutine<> ask(const char* title) {
  const auto [here, there] = stream_pair();
  Socket left(here);
  Socket right(there);
  const auto [serving, server] =
      co_await create_connection(std::make_shared<Server>, std::move(left));
  const auto [asking, asker] =
      co_await create_connection(std::make_shared<Asker>, std::move(right));
  co_await sleep(1h);
  std::printf("%s: the client gets '%s', and the connection %s\n", title,
              asker->answer.c_str(), asker->ended ? "has ended" : "is open");
}

static Coroutine<> all_three() {
  co_await ask<Answering<false, false>>("returns false");
  co_await ask<Answering<true, false>>("returns true");
  co_await ask<Answering<true, true>>("returns true and closes");
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(all_three());
}
