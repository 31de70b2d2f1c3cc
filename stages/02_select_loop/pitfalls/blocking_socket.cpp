// "Writable" means that there is room for some bytes, not for all of them. On
// a blocking socket send() then waits until the rest is taken, and the loop
// waits with it, and so do all other clients. Here an alarm ends the wait.
//
// Cure: O_NONBLOCK on every socket that a loop waits for.
//
// Prints:
//   blocking: only the alarm brought send() back
//   the other client is served
//   O_NONBLOCK: send() took what fits
//   the other client is served
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <string>

#include "common/net.hpp"
#include "event_loop.hpp"

static volatile std::sig_atomic_t rang = 0;

static void send_to_one_that_never_reads(bool nonblocking) {
  asyncio::EventLoop loop;
  const auto [client, peer] = stream_pair();
  set_nonblocking(client, nonblocking);
  rang = 0;
  loop.add_writer(client, [&, fd = client] {
    const std::string reply(64 * 1024 * 1024, 'x');
    ::alarm(nonblocking ? 0 : 1);
    ::send(fd, reply.data(), reply.size(), 0);
    std::puts(
        rang != 0 ? "blocking: only the alarm brought send() back"
                  : "O_NONBLOCK: send() took what fits"
    );
    loop.forget(fd);
  });
  loop.run_once();
  loop.call_soon([] { std::puts("the other client is served"); });
  loop.run_once();
  ::close(client);
  ::close(peer);
}

int main() {
  struct sigaction action = {};
  action.sa_handler = [](int) { rang = 1; };
  ::sigaction(SIGALRM, &action, nullptr);
  send_to_one_that_never_reads(false);
  send_to_one_that_never_reads(true);
}
