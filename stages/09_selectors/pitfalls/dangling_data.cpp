// A key's data is a pointer to a connection. select() returns two of them at
// once, and the handler of the first destroys the second. Its key has left the
// selector, but not the answer, which is older: the pointer in it dangles.
//
// Cure: let the data own what they point to (std::any takes a shared_ptr). Or
// only queue calls while going through an answer, and cancel those of a
// descriptor that is forgotten, as the loop does.
//
// Flags: -fsanitize=address -O0 -g
// Exit: nonzero
// Stderr: heap-use-after-free
// Prints:
//   shared_ptr: first ends its partner
//   shared_ptr: second was ended
//   pointer: first ends its partner
//   ...
#include <unistd.h>

#include <any>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/net.hpp"
#include "selectors.hpp"

using namespace asyncio;

struct Connection {
  std::string name;
  bool ended = false;
};

using Connections = std::map<int, std::shared_ptr<Connection>>;

static void handle(const char* how, Connection& connection, Connections& all) {
  if (connection.ended) {
    std::printf("%s: %s was ended\n", how, connection.name.c_str());
    return;
  }
  std::printf("%s: %s ends its partner\n", how, connection.name.c_str());
  std::fflush(stdout);
  for (const auto& [fd, other] : all) {
    other->ended = true;
  }
  all.clear();
}

static void serve(bool owning) {
  const auto [here, there] = stream_pair();
  Connections all = {
      {here, std::make_shared<Connection>(Connection{"first"})},
      {there, std::make_shared<Connection>(Connection{"second"})},
  };
  PollSelector selector;
  for (const int fd : {here, there}) {
    std::any data = all.at(fd).get();
    if (owning) {
      data = all.at(fd);
    }
    selector.register_(fd, EVENT_WRITE, std::move(data));
  }
  for (const auto& [key, events] : selector.select(std::nullopt)) {
    selector.forget(key.fd);
    if (owning) {
      const auto data = std::any_cast<std::shared_ptr<Connection>>(key.data);
      handle("shared_ptr", *data, all);
    } else {
      handle("pointer", *std::any_cast<Connection*>(key.data), all);
    }
  }
  ::close(here);
  ::close(there);
}

int main() {
  serve(true);
  serve(false);
}
