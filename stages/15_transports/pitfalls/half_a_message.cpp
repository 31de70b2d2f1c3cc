// data_received() is called with what has come so far. It cannot see where one
// write() of the sender ends: a message may come in pieces, and several may
// come at once. On one machine it mostly works by accident; over a network, or
// for a large message, it does not.
//
// Cure: keep what has come until the message is whole: up to the end of its
// line, or to the length that a number in front of it states.
//
// Prints:
//   takes each for a message: [12]
//   takes each for a message: [3
//   45]
//   takes each for a message: [6
//   ]
//   keeps the rest: [123]
//   keeps the rest: [456]
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

class TakesEach : public Protocol {
  void data_received(std::string_view data) override {
    std::printf("takes each for a message: [%s]\n", std::string(data).c_str());
  }
};

class KeepsTheRest : public Protocol {
  void data_received(std::string_view data) override {
    received_ += data;
    std::size_t end = 0;
    while ((end = received_.find('\n')) != std::string::npos) {
      line_received(received_.substr(0, end));
      received_.erase(0, end + 1);
    }
  }

  void line_received(const std::string& line) {
    std::printf("keeps the rest: [%s]\n", line.c_str());
  }

  std::string received_;
};

/// Sends two lines, cut as a network might cut them.
static Coroutine<> send_to(ProtocolFactory receiver) {
  const auto [here, there] = stream_pair();
  Socket left(here);
  Socket right(there);
  const auto [transport, sender] =
      co_await create_connection(std::make_shared<Protocol>, std::move(left));
  co_await create_connection(receiver, std::move(right));
  for (const char* const piece : {"12", "3\n45", "6\n"}) {
    transport.write(piece);
    co_await sleep(1s);
  }
  transport.close();
  co_await sleep(1s);
}

static Coroutine<> both() {
  co_await send_to(std::make_shared<TakesEach>);
  co_await send_to(std::make_shared<KeepsTheRest>);
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
