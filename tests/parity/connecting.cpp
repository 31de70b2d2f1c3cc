// Connecting: from which address, to which of several, and what comes of it
// when that fails.
//
// Stage: 15
#include <sys/socket.h>
#include <unistd.h>

#include <exception>
#include <memory>
#include <string>

#include "common/net.hpp"
#include "connections.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

ConnectionOptions from(const HostAndPort& local) {
  ConnectionOptions options;
  options.local_addr = local;
  return options;
}

ConnectionOptions happily(const HostAndPort& local = HostAndPort()) {
  ConnectionOptions options = from(local);
  options.happy_eyeballs_delay = 1s;
  return options;
}

ConnectionOptions of_family(int family) {
  ConnectionOptions options;
  options.family = family;
  return options;
}

Connected<Recorder> dial(
    std::shared_ptr<Recorder> protocol,
    int port,
    ConnectionOptions options,
    std::string host = "127.0.0.1"
) {
  const auto factory = [protocol] { return protocol; };
  co_return co_await create_connection(factory, host, port, options);
}

std::string host_of(const SocketAddress& address) {
  const std::string text = to_string(address);
  return text.substr(0, text.find(','));
}

int port_of_nobody() {
  const int fd = bound_socket(look_up("127.0.0.1", 0).front());
  const int port = ::port_of(fd);
  ::close(fd);
  return port;
}

}  // namespace

PARITY(from_a_local_address) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const HostAndPort local("127.0.0.3", 0);
  co_await dial(ours, server_port(server), from(local));
  co_await until([&] { return theirs->made; });
  say(host_of(ours->transport.get_extra_info("sockname")));
  say(host_of(theirs->transport.get_extra_info("peername")));
  server.close();
}

PARITY(from_a_local_address_that_is_not_ours) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const HostAndPort local("192.0.2.1", 0);
  co_await outcome("dial", dial(ours, server_port(server), from(local)));
  co_await settle();
  say(ours->made, theirs->made);
  server.close();
}

PARITY(from_a_local_address_of_another_family) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const HostAndPort local("::1", 0);
  co_await outcome("dial", dial(ours, server_port(server), from(local)));
  co_await settle();
  say(ours->made, theirs->made);
  server.close();
}

PARITY(from_a_local_port_that_is_taken) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const HostAndPort local("127.0.0.1", server_port(server));
  co_await outcome("dial", dial(ours, server_port(server), from(local)));
  say(ours->made);
  server.close();
}

PARITY(a_family_that_the_address_is_not_of) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  bool failed = false;
  try {
    co_await dial(ours, server_port(server), of_family(AF_INET6));
  } catch (const std::exception&) {
    failed = true;
  }
  say(failed, ours->made);
  server.close();
}

PARITY_THREADS(by_name_and_family) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const auto port = server_port(server);
  co_await dial(ours, port, of_family(AF_INET), "localhost");
  co_await until([&] { return theirs->made; });
  say(host_of(ours->transport.get_extra_info("peername")));
  server.close();
}

PARITY(happily_to_one_address) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  co_await dial(ours, server_port(server), happily());
  co_await until([&] { return theirs->made; });
  server.close();
}

PARITY(happily_to_nobody) {
  const auto ours = recorder();
  const auto port = port_of_nobody();
  co_await outcome("dial", dial(ours, port, happily()));
  say(ours->made);
}

PARITY(happily_from_a_local_address) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const HostAndPort local("127.0.0.3", 0);
  const auto port = server_port(server);
  co_await dial(ours, port, happily(local));
  co_await until([&] { return theirs->made; });
  say(host_of(theirs->transport.get_extra_info("peername")));
  server.close();
}

PARITY(happily_and_cancelled) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const auto port = server_port(server);
  const auto dials = create_task(outcome("dial", dial(ours, port, happily())));
  co_await sleep(0s);
  dials.cancel();
  co_await dials;
  co_await settle();
  say(ours->made);
  server.close();
}

PARITY(the_factory_raises_once_connected) {
  const auto theirs = recorder("theirs");
  const auto server = co_await serve(theirs);
  const auto factory = []() -> std::shared_ptr<Recorder> {
    say("connected");
    throw ValueError("boom");
  };
  const int port = server_port(server);
  co_await outcome("dial", create_connection(factory, "127.0.0.1", port));
  co_await until([&] { return theirs->lost; });
  server.close();
}
