#include <cstdio>
#include <string>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/net.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// The bytes of a socket, cut where the lines end.
static AsyncGenerator<std::string> lines_of(Socket socket) {
  std::string buffer;
  while (true) {
    const std::string data = co_await sock_recv(socket, 64 * 1024);
    if (data.empty()) {
      break;
    }
    buffer += data;
    std::size_t end = 0;
    while ((end = buffer.find('\n')) != std::string::npos) {
      std::string line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      co_yield std::move(line);
    }
  }
  if (!buffer.empty()) {
    co_yield std::move(buffer);
  }
}

/// Numbers whatever comes.
static AsyncGenerator<std::string> numbered(AsyncGenerator<std::string> lines) {
  int number = 0;
  while (const auto line = co_await lines.anext()) {
    std::string text = std::to_string(++number) + ": " + *line;
    co_yield std::move(text);
  }
}

static Coroutine<> speak(Socket socket) {
  for (const char* piece : {"Lorem ip", "sum\ndolor\nsit", " amet\n", "end"}) {
    co_await sock_sendall(socket, piece);
    co_await sleep(100ms);
  }
}

static Coroutine<> read_lines() {
  const auto [here, there] = stream_pair();
  create_task(speak(Socket(there)));
  auto lines = numbered(lines_of(Socket(here)));
  while (const auto line = co_await lines.anext()) {
    std::printf("%s\n", line->c_str());
  }
}

static const Demo<Coroutine<>()> demo{
    "lines", "numbered lines of a socket, as they come", read_lines};
