// What data_received() throws ends that connection: it is reported, and passed
// to connection_lost(). The server and its other clients go on. But the client
// learns only that the connection has ended. What is thrown in a callback that
// the protocol has scheduled (call_later, add_done_callback) is only reported:
// the connection stays open, and the client waits for ever.
//
// Cure: catch what a client can cause, and answer it. In a callback of your own
// catch everything, and abort() the transport.
//
// Stderr: Fatal error: protocol.data_received() call failed.: stoi
// Stderr: Exception in callback: stoi
// Prints:
//   throws: good client: '43', open; bad client: '', ended
//   throws later: good client: '43', open; bad client: '', open
//   catches: good client: '43', open; bad client: 'error: no number', open
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static std::string plus42(const std::string& question) {
  return std::to_string(std::stoi(question) + 42);
}

class Throws : public Protocol {
  void connection_made(Transport transport) override { transport_ = transport; }

  void data_received(std::string_view data) override {
    transport_.write(plus42(std::string(data)));
  }

 protected:
  Transport transport_;
};

class ThrowsLater : public Throws {
  void data_received(std::string_view data) override {
    const std::string question(data);
    get_running_loop().call_later(10ms, [transport = transport_, question] {
      transport.write(plus42(question));
    });
  }
};

class Catches : public Throws {
  void data_received(std::string_view data) override {
    try {
      transport_.write(plus42(std::string(data)));
    } catch (const std::invalid_argument&) {
      transport_.write("error: no number");
    }
  }
};

class Asker : public Protocol {
 public:
  std::string answer;
  const char* state = "open";
  const Future<> told;

 private:
  void data_received(std::string_view data) override {
    answer += data;
    tell();
  }

  void connection_lost(std::exception_ptr) override {
    state = "ended";
    tell();
  }

  void tell() {
    if (!told.done()) {
      told.set_result();
    }
  }
};

static Coroutine<std::shared_ptr<Asker>> ask(int port, std::string question) {
  const auto [transport, asker] =
      co_await create_connection(std::make_shared<Asker>, "127.0.0.1", port);
  transport.write(question);
  try {
    co_await wait_for(asker->told, 500ms);
  } catch (const TimeoutError&) {
    // Nobody answers.
  }
  co_return asker;
}

template <class Answering>
static Coroutine<> try_out(const char* title) {
  const auto server = co_await create_server(std::make_shared<Answering>,
                                             "127.0.0.1", 0);
  const int port = port_of(server.sockets()[0].getsockname());
  const auto bad = co_await ask(port, "one");
  const auto good = co_await ask(port, "1");
  std::printf("%s: good client: '%s', %s; bad client: '%s', %s\n", title,
              good->answer.c_str(), good->state, bad->answer.c_str(),
              bad->state);
}

static Coroutine<> all_three() {
  co_await try_out<Throws>("throws");
  co_await try_out<ThrowsLater>("throws later");
  co_await try_out<Catches>("catches");
}

int main() { run(all_three()); }
