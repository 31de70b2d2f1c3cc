#include <sys/select.h>

#include <cstdlib>

#include "recorder.hpp"

namespace test_many_connections {

using namespace test_transports;

/// Sends back what it gets.
struct Echo : Protocol {
  explicit Echo(int& its_open) : open(its_open) {}

  void connection_made(Transport its_transport) override {
    ++open;
    transport = its_transport;
  }
  void data_received(std::string_view data) override { transport.write(data); }
  void connection_lost(std::exception_ptr) override { --open; }

  int& open;
  Transport transport;
};

/// A server, and blocking clients.
struct Crowd {
  explicit Crowd(int n) {
    const auto factory = [this] { return std::make_shared<Echo>(open); };
    server = loop.run_until_complete(create_server(factory, "127.0.0.1", 0));
    const int port = port_of(server->sockets()[0].getsockname());
    for (int i = 0; i < n; ++i) {
      clients.push_back(connect_to("127.0.0.1", port));
      // The kernel keeps only so many for whoever does not accept them.
      if (open + 50 < i || i == n - 1) {
        run_until([this, i] { return open == i + 1; });
      }
    }
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  ~Crowd() { hang_up(); }

  void hang_up() {
    for (const int client : std::exchange(clients, {})) {
      ::close(client);
    }
  }

  template <class Condition>
  void run_until(Condition condition) {
    while (!condition()) {
      loop.run_once();
    }
  }

  /// Each says which it is. Returns how many have heard that again.
  int talk() {
    for (int i = 0; i < static_cast<int>(clients.size()); ++i) {
      ::send(clients[i], &i, sizeof i, 0);
    }
    int answers = 0;
    for (int i = 0; i < static_cast<int>(clients.size()); ++i) {
      int answer = -1;
      run_until([&] {
        return ::recv(clients[i], &answer, sizeof answer, MSG_DONTWAIT) >= 0;
      });
      answers += answer == i;
    }
    return answers;
  }

  int open = 0;
  EventLoop loop;
  std::optional<Server> server;
  std::vector<int> clients;
};

/// How many there can be, at two descriptors each.
int possible(int before) {
  long limit = raise_descriptor_limit();
  const char* const selector = std::getenv("ASYNCIO_SELECTOR");
  if (selector && std::string(selector) == "select") {
    limit = std::min<long>(limit, FD_SETSIZE);
  }
  return static_cast<int>((limit - before - 50) / 2);
}

void all_at_once(int wanted) {
  const int before = open_descriptors();
  {
    const int n = std::min(wanted, possible(before));
    Crowd crowd(n);
    CHECK(crowd.talk() == n);
    crowd.server->close();
    CHECK(crowd.talk() == n);
    crowd.hang_up();
    crowd.run_until([&] { return crowd.open == 0; });
  }
  CHECK(open_descriptors() == before);
}

TEST_CASE("many_connections: two hundred talk at once") { all_at_once(200); }

TEST_CASE("many_connections: a loop that closes ends them all") {
  const int before = open_descriptors();
  {
    Crowd crowd(200);
    // So that all who let them in have ended, too.
    crowd.talk();
    crowd.loop.close();
    char byte = 0;
    for (const int client : crowd.clients) {
      CHECK(::recv(client, &byte, 1, 0) == 0);
    }
  }
  CHECK(open_descriptors() == before);
}

TEST_SUITE("huge") {
  TEST_CASE("many_connections: five thousand talk at once") {
    all_at_once(5'000);
  }
}

}  // namespace test_many_connections
