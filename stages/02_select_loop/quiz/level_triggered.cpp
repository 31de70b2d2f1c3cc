// Five bytes arrive at once. The callback reads two of them, each time it is
// called. How often is it called, and with what?
//
// Explanation:
// select() answers the question "can this be read now?", whenever it is asked:
// it is level-triggered. As long as a byte is left, the answer is yes, and the
// callback is called again in the next round. It need not read everything. The
// end of the stream counts as readable too. (epoll can also be asked to report
// only changes; then a callback that leaves bytes behind waits for ever.)
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
