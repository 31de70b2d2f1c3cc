// In the middle of a conversation, set_protocol() puts another protocol in
// charge. The new protocol is called only for bytes that are received later. If
// some came together with the last message for the old protocol, the old one
// has them, and if it drops them, they are lost. The new one's
// connection_made() is not called either, as no connection was made, so the old
// one must pass it the transport.
//
// Cure: hand the rest over: call the new protocol's data_received().
//
// Prints:
//   only switches: chat: how are you?
//   hands over the rest: chat: hello
//   hands over the rest: chat: how are you?
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

class Chat : public Protocol {
 public:
  explicit Chat(const char* title) : title_(title) {}

  void data_received(std::string_view data) override {
    std::printf("%s: chat: %s", title_, std::string(data).c_str());
  }

 private:
  const char* title_;
};

/// Expects a line with a password, and leaves the rest to Chat.
class OnlySwitches : public Protocol {
 protected:
  virtual void logged_in(std::string_view rest) {
    static_cast<void>(rest);
    transport_.set_protocol(std::make_shared<Chat>("only switches"));
  }

  Transport transport_;

 private:
  void connection_made(Transport transport) override { transport_ = transport; }

  void data_received(std::string_view data) override {
    received_ += data;
    const std::size_t end = received_.find('\n');
    if (end != std::string::npos) {
      logged_in(std::string_view(received_).substr(end + 1));
    }
  }

  std::string received_;
};

class HandsOver : public OnlySwitches {
  void logged_in(std::string_view rest) override {
    const auto chat = std::make_shared<Chat>("hands over the rest");
    transport_.set_protocol(chat);
    if (!rest.empty()) {
      chat->data_received(rest);
    }
  }
};

static Coroutine<> talk_to(ProtocolFactory factory) {
  const auto [here, there] = stream_pair();
  Socket left(here);
  Socket right(there);
  co_await create_connection(factory, std::move(left));
  const auto [transport, client] =
      co_await create_connection(std::make_shared<Protocol>, std::move(right));
  transport.write("secret\nhello\n");
  co_await sleep(1s);
  transport.write("how are you?\n");
  co_await sleep(1s);
}

static Coroutine<> both() {
  co_await talk_to(std::make_shared<OnlySwitches>);
  co_await talk_to(std::make_shared<HandsOver>);
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
