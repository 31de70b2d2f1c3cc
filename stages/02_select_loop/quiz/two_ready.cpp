// Two descriptors are ready in the same round. The first callback removes the
// reader of the second. Is the second one called? And what happens in the next
// round?
//
// Explanation:
// When select() returns, both callbacks are put into the queue. remove_reader()
// also cancels a call that is queued already, because the program may have
// closed the descriptor and freed what the callback would use. Which of the two
// comes first does not matter here, since each removes the other. The callback
// that is left has not read its byte: in round two it is called again.
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>

#include "common/net.hpp"
#include "event_loop.hpp"

using namespace asyncio;

int main() {
  EventLoop loop;
  const auto [one, other_one] = stream_pair();
  const auto [two, other_two] = stream_pair();
  ::send(other_one, "x", 1, 0);
  ::send(other_two, "x", 1, 0);
  int calls = 0;
  loop.add_reader(one, [&, fd = two] {
    ++calls;
    loop.remove_reader(fd);
  });
  loop.add_reader(two, [&, fd = one] {
    ++calls;
    loop.remove_reader(fd);
  });
  loop.run_once();
  std::printf("after one round: %d\n", calls);
  loop.run_once();
  std::printf("after two rounds: %d\n", calls);
  for (const int fd : {one, other_one, two, other_two}) {
    loop.remove_reader(fd);
    ::close(fd);
  }
}
