// An echo server without any loop but its own: each key's data is the function
// to call.
#include <sys/socket.h>
#include <unistd.h>

#include <any>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>

#include "common/command_line.hpp"
#include "common/net.hpp"
#include "selectors.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

using Handler = void (*)(BaseSelector& selector, int fd);

static void read(BaseSelector& selector, int fd) {
  char buffer[1000];
  const auto count = ::recv(fd, buffer, sizeof buffer, 0);
  if (count > 0) {
    // So little fits into the kernel's buffer, if the client reads at all.
    ::send(fd, buffer, static_cast<std::size_t>(count), 0);
  } else {
    std::printf("closing %d\n", fd);
    selector.forget(fd);
    ::close(fd);
  }
}

static void accept(BaseSelector& selector, int fd) {
  const int client = ::accept(fd, nullptr, nullptr);
  if (client < 0) {
    return;
  }
  std::printf("accepted %d\n", client);
  set_nonblocking(client);
  selector.register_(client, EVENT_READ, Handler(read));
}

static int listen_on_1234() {
  try {
    return listen_on("127.0.0.1", 1234);
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return listen_on("127.0.0.1", 0);
  }
}

static void serve() {
  const auto selector = DefaultSelector();
  const int listener = listen_on_1234();
  selector->register_(listener, EVENT_READ, Handler(accept));
  std::printf("listening on %s, ", address_of(listener).c_str());
  std::printf("until nothing has come for 10 s\n");
  BaseSelector::Ready ready;
  do {
    std::fflush(stdout);
    ready = selector->select(10s);
    for (const auto& [key, events] : ready) {
      std::any_cast<Handler>(key.data)(*selector, key.fd);
    }
  } while (!ready.empty());
  while (!selector->get_map().empty()) {
    const int fd = selector->get_map().begin()->first;
    selector->forget(fd);
    ::close(fd);
  }
}

static const Demo<void()> demo{
    "selectors", "an echo server on port 1234, without any loop", serve};
