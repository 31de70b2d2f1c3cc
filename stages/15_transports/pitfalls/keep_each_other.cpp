// A protocol keeps its transport, to write to it, and the transport keeps its
// protocol, to call it. When the program drops both, neither is destroyed: the
// loop owns a connection as long as it is open, so no destructor closes it.
// When the connection has ended and connection_lost() was called, the transport
// drops the protocol, and the loop drops the transport. What the program still
// holds is all that is left: here a list of all clients.
//
// Cure: close() what is no longer needed, and remove a client from the list in
// its connection_lost().
//
// Prints:
//   dropped: 1 client, descriptor open
//   closed: 0 clients, descriptor closed
//   closed, but on a list: 1 client, descriptor closed
//   closed, and taken off it: 0 clients, descriptor closed
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>
#include <vector>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static int count = 0;

struct Client : Protocol {
  Client() { ++count; }
  ~Client() override { --count; }

  void connection_made(Transport its_transport) override {
    transport = its_transport;
  }

  Transport transport;
};

static std::vector<std::shared_ptr<Client>> all;

struct OnTheList : Client,
                   std::enable_shared_from_this<OnTheList> {
  void connection_made(Transport its_transport) override {
    Client::connection_made(its_transport);
    all.push_back(shared_from_this());
  }
};

struct TakenOff : OnTheList {
  void connection_lost(std::exception_ptr) override {
    std::erase(all, shared_from_this());
  }
};

static void print(const char* title, int fd) {
  const bool is_open = ::fcntl(fd, F_GETFD) != -1;
  std::printf("%s: %d %s, descriptor %s\n", title, count,
              count == 1 ? "client" : "clients", is_open ? "open" : "closed");
}

/// What it returns is all that the program has of the connection.
template <class P>
static Coroutine<Transport> connect(int fd) {
  const auto [transport, client] =
      co_await create_connection(std::make_shared<P>, Socket(fd));
  co_return transport;
}

template <class P>
static Coroutine<> connect_and_close(const char* title, int fd) {
  const Transport transport = co_await connect<P>(fd);
  transport.close();
  co_await sleep(1s);
  print(title, fd);
}

static Coroutine<> drop(int fd) {
  co_await connect<Client>(fd);
  co_await sleep(1s);
  print("dropped", fd);
}

static void try_out(Coroutine<> (*use)(int)) {
  EventLoop loop;
  loop.use_virtual_clock();
  const auto [here, there] = stream_pair();
  loop.run_until_complete(use(here));
  loop.close();
  ::close(there);
  all.clear();
}

int main() {
  try_out(drop);
  try_out([](int fd) { return connect_and_close<Client>("closed", fd); });
  try_out([](int fd) {
    return connect_and_close<OnTheList>("closed, but on a list", fd);
  });
  try_out([](int fd) {
    return connect_and_close<TakenOff>("closed, and taken off it", fd);
  });
}
