#include "common/plus42.hpp"

#include "common/command_line.hpp"
#include "connection.hpp"

class Calculator : public Connection {
  using Connection::Connection;

  std::string reply(std::string_view received) override {
    return conversation_.feed(received);
  }

  Plus42 conversation_;
};

static void serve(asyncio::EventLoop& loop, int listener) {
  static Listener<Calculator> server(loop, listener);
}

static const Service<void(asyncio::EventLoop&, int)> server{
    "plus42", "answers each number with number + 42", serve};
