// A connection that ends removes itself from its owner's table. If it does so
// in one of its own methods, that method goes on with a destroyed object.
// Without a sanitizer the program may well print the right line.
//
// Cure: the owner removes it when the method has returned: by call_soon.
//
// Flags: -fsanitize=address -O1
// Exit: nonzero
// Stderr: heap-use-after-free
// Prints:
//   by call_soon: goodbye, client 7
#include <cstdio>
#include <functional>
#include <map>

#include "event_loop.hpp"

struct Connection {
  void handle_read() {
    const char* how = remove(number);
    std::printf("%s: goodbye, client %d\n", how, number);
  }

  int number;
  std::function<const char*(int)> remove;
};

int main() {
  asyncio::EventLoop loop;
  std::map<int, Connection> clients;
  const auto by_call_soon = [&](int number) {
    loop.call_soon([&clients, number] { clients.erase(number); });
    return "by call_soon";
  };
  const auto at_once = [&](int number) {
    clients.erase(number);
    return "at once";
  };

  clients[7] = Connection{7, by_call_soon};
  loop.call_soon([&] { clients.at(7).handle_read(); });
  loop.run_once();
  loop.run_once();

  std::fflush(stdout);
  clients[8] = Connection{8, at_once};
  loop.call_soon([&] { clients.at(8).handle_read(); });
  loop.run_once();
}
