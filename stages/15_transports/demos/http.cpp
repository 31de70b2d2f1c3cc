#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

/// Answers each request with its first line. Try it with curl.
class Http : public Protocol {
  void connection_made(Transport transport) override { transport_ = transport; }

  // Part of a request, or several.
  void data_received(std::string_view data) override {
    received_ += data;
    std::size_t end = 0;
    while (!transport_.is_closing() &&
           (end = received_.find("\r\n\r\n")) != std::string::npos) {
      answer(received_.substr(0, received_.find("\r\n")));
      received_.erase(0, end + 4);
    }
    if (received_.size() > longest_request) {
      transport_.abort();
    }
  }

  void answer(const std::string& request) {
    const bool is_head = request.starts_with("HEAD ");
    if (!is_head && !request.starts_with("GET ")) {
      refuse();
      return;
    }
    const std::string body = "You asked: " + request + "\n";
    transport_.write("HTTP/1.1 200 OK\r\n"
                     "Content-Type: text/plain\r\n"
                     "Content-Length: " + std::to_string(body.size()) +
                     "\r\n\r\n" + (is_head ? "" : body));
  }

  // What follows may be a body, and is not looked at.
  void refuse() {
    transport_.write("HTTP/1.1 501 Not Implemented\r\n"
                     "Content-Length: 0\r\n"
                     "Connection: close\r\n\r\n");
    transport_.close();
  }

  static constexpr std::size_t longest_request = 16 * 1024;

  Transport transport_;
  std::string received_;
};

static Coroutine<> serve(Socket listener) {
  const auto server = co_await create_server(std::make_shared<Http>,
                                             std::move(listener));
  co_await server.serve_forever();
}

static const Service<Coroutine<>(Socket)> server{
    "http", "answers each request with its first line", serve};
