// send() takes what fits into the kernel's buffer and returns how much that
// was. As long as replies are small, all of it fits: the bug waits for the
// first slow client.
//
// Cure: keep the rest and wait until there is room again.
//
// Prints:
//   send() called once: some of the bytes are lost
//   the rest was kept: every byte arrives
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>

#include "common/net.hpp"
#include "event_loop.hpp"

constexpr std::size_t size = 8 * 1024 * 1024;

static void take(std::string& rest, int fd) {
  const auto count = ::send(fd, rest.data(), rest.size(), 0);
  rest.erase(0, count < 0 ? 0 : static_cast<std::size_t>(count));
}

/// Returns how many of the bytes arrive.
static std::size_t transfer(bool keep_the_rest) {
  asyncio::EventLoop loop;
  const auto [sender, receiver] = stream_pair();
  std::string rest(size, 'x');
  std::size_t arrived = 0;
  loop.add_writer(sender, [&, fd = sender] {
    take(rest, fd);
    if (rest.empty() || !keep_the_rest) {
      loop.forget(fd);
      ::close(fd);
    }
  });
  loop.add_reader(receiver, [&, fd = receiver] {
    char buffer[64 * 1024];
    const auto count = ::recv(fd, buffer, sizeof buffer, 0);
    if (count > 0) {
      arrived += static_cast<std::size_t>(count);
    } else if (count == 0) {
      loop.stop();
    }
  });
  loop.run_forever();
  ::close(receiver);
  return arrived;
}

static const char* verdict(std::size_t arrived) {
  return arrived == size ? "every byte arrives" : "some of the bytes are lost";
}

int main() {
  std::printf("send() called once: %s\n", verdict(transfer(false)));
  std::printf("the rest was kept: %s\n", verdict(transfer(true)));
}
