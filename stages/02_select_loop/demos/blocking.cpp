// The servers without a loop: every call waits, and all other clients with it.
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>

#include "common/command_line.hpp"
#include "common/net.hpp"
#include "common/plus42.hpp"

/// Sends all of it. Returns false if the client is gone.
static bool send_all(int client, std::string_view data) {
  while (!data.empty()) {
    const auto count = ::send(client, data.data(), data.size(), 0);
    if (count >= 0) {
      data.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

/// Answers one client until it leaves.
template <class Reply>
static void converse(int client, Reply reply) {
  char buffer[64 * 1024];
  while (true) {
    const auto count = ::recv(client, buffer, sizeof buffer, 0);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count <= 0) {
      return;
    }
    const std::string_view received(buffer, static_cast<std::size_t>(count));
    if (!send_all(client, reply(received))) {
      return;
    }
  }
}

static int accept_client(int listener) {
  while (true) {
    const int client = ::accept(listener, nullptr, nullptr);
    if (client >= 0) {
      return client;
    }
    if (errno != EINTR && errno != ECONNABORTED) {
      throw_errno("accept");
    }
  }
}

static void serve_echo(int listener) {
  while (true) {
    const int client = accept_client(listener);
    converse(client, [](std::string_view data) { return std::string(data); });
    ::close(client);
  }
}

static void serve_plus42(int listener) {
  while (true) {
    const int client = accept_client(listener);
    Plus42 numbers;
    converse(client, [&](std::string_view data) { return numbers.feed(data); });
    ::close(client);
  }
}

static const BlockingService echo{
    "echo", "sends back what it receives", serve_echo};
static const BlockingService plus42{
    "plus42", "answers each number with number + 42", serve_plus42};
