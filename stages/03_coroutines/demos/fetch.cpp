#include <cstdio>

#include "asyncio.hpp"
#include "common/plus42.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

static Coroutine<> serve_one(Socket listener) {
  Socket client = co_await sock_accept(listener);
  Plus42 conversation;
  while (true) {
    const std::string data = co_await sock_recv(client, 100);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(client, conversation.feed(data));
  }
}

static Coroutine<std::string> ask(int server, std::string question) {
  co_await sock_sendall(server, question + "\n");
  std::string answer;
  while (answer.empty() || answer.back() != '\n') {
    answer += co_await sock_recv(server, 100);
  }
  answer.pop_back();
  co_return answer;
}

static Coroutine<> fetch() {
  Socket listener(listen_on("127.0.0.1", 0));
  const int port = port_of(listener);
  create_task(serve_one(std::move(listener)));
  Socket server(tcp_socket(AF_INET));
  co_await sock_connect(server, "127.0.0.1", port);
  static const char* const questions[] = {"0", "-42", "1000000", "six"};
  for (const char* question : questions) {
    const std::string answer = co_await ask(server, question);
    std::printf("%s -> %s\n", question, answer.c_str());
  }
}

static const Demo<Coroutine<>()> demo{
    "fetch", "client and server in one thread, each a straight line", fetch};
