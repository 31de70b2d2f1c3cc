#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/net.hpp"
#include "sendfile.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Reads a part, thinks, and reads the rest.
static Coroutine<> read_slowly(Socket socket) {
  std::size_t received = 0;
  while (true) {
    const std::string data = co_await sock_recv(socket, 64 * 1024);
    if (data.empty()) {
      break;
    }
    if (received == 0) {
      co_await sleep(100ms);
    }
    received += data.size();
  }
  std::printf("received: %zu bytes\n", received);
}

static Coroutine<> send_file() {
  std::FILE* const file = std::tmpfile();
  if (!file) {
    throw_errno("tmpfile");
  }
  std::fputs(std::string(3'000'000, 'x').c_str(), file);
  std::fflush(file);
  const auto [here, there] = stream_pair();
  const auto reader = create_task(read_slowly(Socket(there)));
  const auto [transport, protocol] =
      co_await create_connection(std::make_shared<Protocol>, Socket(here));
  const std::size_t sent = co_await sendfile(transport, ::fileno(file));
  std::printf("sent: %zu bytes\n", sent);
  transport.close();
  co_await reader;
  std::fclose(file);
}

static const Demo<Coroutine<>()> demo{
    "file", "sends a file to a slow reader", send_file};
