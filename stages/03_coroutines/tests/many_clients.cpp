#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_many_clients {

using namespace asyncio;

constexpr int count = 400;  // Two descriptors each: less than FD_SETSIZE.

Coroutine<> echo(Socket client) {
  while (true) {
    std::string data = co_await sock_recv(client, 1000);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(client, std::move(data));
  }
}

Coroutine<> serve(Socket listener, int clients) {
  for (int i = 0; i < clients; ++i) {
    Socket client = co_await sock_accept(listener);
    create_task(echo(std::move(client)));
  }
}

Coroutine<> connect(std::vector<Socket>* servers, int port, int clients) {
  for (int i = 0; i < clients; ++i) {
    Socket server(tcp_socket(AF_INET));
    co_await sock_connect(server, "127.0.0.1", port);
    servers->push_back(std::move(server));
  }
}

/// Different for each client and each message.
std::string message(int client, int number) {
  std::string text = std::to_string(client) + ":" + std::to_string(number);
  return text + std::string(static_cast<std::size_t>(number * 7), '.') + "\n";
}

Coroutine<> send(int fd, int client, int messages) {
  for (int i = 0; i < messages; ++i) {
    co_await sock_sendall(fd, message(client, i));
  }
  CHECK(::shutdown(fd, SHUT_WR) == 0);
}

Coroutine<> receive(int fd, std::string* result) {
  while (true) {
    const std::string data = co_await sock_recv(fd, 1000);
    if (data.empty()) {
      co_return;
    }
    *result += data;
  }
}

TEST_CASE("many_clients: hundreds at once, nothing lost or reordered") {
  REQUIRE(raise_descriptor_limit() > 2 * count + 50);
  const int messages = 20;
  EventLoop loop;
  const int before = open_descriptors();
  Socket listener(listen_on("127.0.0.1", 0), loop);
  const int port = port_of(listener);
  std::vector<Socket> servers;
  create_task(serve(std::move(listener), count), loop);
  create_task(connect(&servers, port, count), loop);
  while (servers.size() < static_cast<std::size_t>(count)) {
    loop.run_once();
  }
  std::vector<std::string> results(servers.size());
  for (int i = 0; i < count; ++i) {
    const auto place = static_cast<std::size_t>(i);
    create_task(send(servers[place], i, messages), loop);
    create_task(receive(servers[place], &results[place]), loop);
  }
  loop.run_until_idle();
  for (int i = 0; i < count; ++i) {
    std::string expected;
    for (int number = 0; number < messages; ++number) {
      expected += message(i, number);
    }
    CHECK(results[static_cast<std::size_t>(i)] == expected);
  }
  servers.clear();
  CHECK(open_descriptors() == before);
}

}  // namespace test_many_clients
