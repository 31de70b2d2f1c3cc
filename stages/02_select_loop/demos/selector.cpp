// A SelectSelector without a loop: which of three connections can go on?
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <map>

#include "common/net.hpp"
#include "common/command_line.hpp"
#include "selectors.hpp"

using namespace asyncio;

static void three_connections() {
  const auto [a, to_a] = stream_pair();
  const auto [b, to_b] = stream_pair();
  const auto [c, to_c] = stream_pair();
  const std::map<int, char> names{{a, 'a'}, {b, 'b'}, {c, 'c'}};
  SelectSelector selector;
  for (const auto& [fd, name] : names) {
    selector.register_(fd, EVENT_READ);
  }
  const auto ask = [&](const char* when) {
    std::printf("%s:", when);
    for (const auto& [key, events] : selector.select(Seconds(0.2))) {
      std::printf(" %c", names.at(key.fd));
    }
    std::printf("\n");
  };

  ask("0.2 s later");
  ::send(to_a, "x", 1, 0);
  ::send(to_c, "x", 1, 0);
  ask("a and c have got a byte");
  char byte;
  ::recv(a, &byte, 1, 0);
  ask("the byte of a was read");
  selector.modify(b, EVENT_WRITE);
  ask("b is watched for writing");
  for (const int fd : {a, to_a, b, to_b, c, to_c}) {
    ::close(fd);
  }
}

static const Demo<void()> demo{
    "selector", "a SelectSelector: who can go on?", three_connections};
