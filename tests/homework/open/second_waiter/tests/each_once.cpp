#include <algorithm>
#include <cstddef>
#include <utility>

#include "waiting.hpp"

namespace test_each_once {

using namespace test_waiting;

Coroutine<> work(Log* log, int fd) {
  while (true) {
    const std::string message = co_await sock_recv(fd, 100);
    log->push_back(message);
    if (message.empty()) {
      co_return;
    }
  }
}

Coroutine<> send_messages(int fd, int count) {
  for (int i = 0; i < count; ++i) {
    co_await sleep(1s);
    co_await sock_sendall(fd, std::string(1, static_cast<char>('a' + i)));
  }
  co_await sleep(1s);
  ::shutdown(fd, SHUT_WR);
}

TEST_CASE("each_once: a message goes to one of them, the end to all") {
  const Pair pair;
  Log log;
  Loop loop;
  for (int i = 0; i < 3; ++i) {
    create_task(work(&log, pair.here), loop);
  }
  create_task(send_messages(pair.there, 6), loop);
  loop.run();
  CHECK(log == Log{"a", "b", "c", "d", "e", "f", "", "", ""});
  CHECK(loop.reports.empty());
}

Coroutine<> accept_one(int* accepted, int listener) {
  const Socket socket = co_await sock_accept(listener);
  ++*accepted;
}

TEST_CASE("each_once: three accept on one listener") {
  Loop loop;
  const Socket listener(listen_on("127.0.0.1", 0), loop);
  int accepted = 0;
  for (int i = 0; i < 3; ++i) {
    create_task(accept_one(&accepted, listener), loop);
  }
  loop.run_once();
  std::vector<int> clients;
  for (int i = 1; i <= 3; ++i) {
    clients.push_back(connect_to("127.0.0.1", port_of(listener)));
  }
  loop.run();
  CHECK(accepted == 3);
  for (const int client : clients) {
    ::close(client);
  }
}

constexpr std::size_t much = 500'000;

Coroutine<> send_much(int fd, char letter) {
  co_await sock_sendall(fd, std::string(much, letter));
}

Coroutine<> count(std::size_t* a, std::size_t* b, int fd) {
  while (*a + *b < 2 * much) {
    const std::string data = co_await sock_recv(fd, 50'000);
    for (const char letter : data) {
      ++*(letter == 'a' ? a : b);
    }
  }
}

TEST_CASE("each_once: two send more than fits, and all of it arrives") {
  const Pair pair;
  Loop loop;
  std::size_t a = 0;
  std::size_t b = 0;
  create_task(send_much(pair.here, 'a'), loop);
  create_task(send_much(pair.here, 'b'), loop);
  create_task(count(&a, &b, pair.there), loop);
  loop.run();
  CHECK(a == much);
  CHECK(b == much);
}

}  // namespace test_each_once
