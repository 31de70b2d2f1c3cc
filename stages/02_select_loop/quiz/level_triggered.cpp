// Five bytes arrive at once. The callback reads two of them, each time it is
// called. How often is it called, and with what?
//
// Explanation:
// select() answers the question "can this be read now?", whenever it is asked:
// it is level-triggered. As long as a byte is left, the answer is yes and the
// callback comes again in the next round. Nobody has to read all there is.
// (epoll can also be asked to tell only of changes; then whoever leaves bytes
// behind waits for ever.)
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"
#include "event_loop.hpp"

using namespace asyncio;

int main() {
  EventLoop loop;
  const auto [here, there] = stream_pair();
  ::send(there, "hello", 5, 0);
  ::close(there);
  loop.add_reader(here, [&, fd = here] {
    char bytes[2];
    const auto count = static_cast<int>(::recv(fd, bytes, sizeof bytes, 0));
    std::printf("%d: %.*s\n", count, count, bytes);
    if (count == 0) {
      loop.stop();
    }
  });
  loop.run_forever();
  loop.remove_reader(here);
  ::close(here);
}
