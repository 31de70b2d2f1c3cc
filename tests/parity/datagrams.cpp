// Datagrams: each comes whole, and an error ends nothing.
//
// Stage: 15
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "common/net.hpp"
#include "connections.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

struct Receiver : Recording<DatagramProtocol, DatagramTransport> {
  explicit Receiver(std::string its_label) : Recording(std::move(its_label)) {}

  void datagram_received(std::string_view data, SocketAddress addr) override {
    sender = addr;
    ++number;
    got(data);
  }
  void error_received(std::exception_ptr exception) override {
    failed = true;
    tell("error", kind(exception));
    on_error();
  }

  SocketAddress sender;
  int number = 0;
  bool failed = false;
  Hook on_error = nothing;
};

std::shared_ptr<Receiver> receiver(std::string label = "ours") {
  return std::make_shared<Receiver>(std::move(label));
}

SocketAddress at(int port) { return first_address(AF_INET, "127.0.0.1", port); }

/// A peer that sends there.
Peer udp(int port = 0) {
  const int fd = ::socket(AF_INET, SOCK_DGRAM, 0);
  const SocketAddress here = at(0);
  ::bind(fd, here.get(), here.size);
  if (port != 0) {
    const SocketAddress there = at(port);
    ::connect(fd, there.get(), there.size);
  }
  return Peer(fd);
}

int port_of(const Peer& peer) { return ::port_of(peer.fileno()); }

/// Binds the protocol. Returns the port.
Coroutine<int> endpoint(std::shared_ptr<Receiver> protocol) {
  const auto factory = [protocol] { return protocol; };
  const HostAndPort local("127.0.0.1", 0);
  const auto made = co_await create_datagram_endpoint(factory, local);
  co_return ::port_of(made.first.get_extra_info("sockname"));
}

/// Binds and connects the protocol. Returns its own port.
Coroutine<int> connected(std::shared_ptr<Receiver> protocol, int port) {
  const auto factory = [protocol] { return protocol; };
  const HostAndPort local("127.0.0.1", 0);
  const HostAndPort remote("127.0.0.1", port);
  const auto made = co_await create_datagram_endpoint(factory, local, remote);
  co_return ::port_of(made.first.get_extra_info("sockname"));
}

/// Two sockets, the second of which has a name.
std::pair<int, int> named_pair() {
  char folder[] = "/tmp/datagrams-XXXXXX";
  if (!::mkdtemp(folder)) {
    throw_errno("mkdtemp");
  }
  const std::string path = std::string(folder) + "/peer";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  const int there = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ::bind(there, generic, sizeof address);
  const int here = ::socket(AF_UNIX, SOCK_DGRAM, 0);
  ::connect(here, generic, sizeof address);
  ::unlink(path.c_str());
  ::rmdir(folder);
  return {here, there};
}

/// Connects the protocol with a peer whose queue is soon full.
Coroutine<Peer> unread(std::shared_ptr<Receiver> protocol) {
  const std::pair<int, int> fds = named_pair();
  const auto factory = [protocol] { return protocol; };
  co_await create_datagram_transport(
      factory,
      Socket(fds.first),
      SocketAddress()
  );
  co_return Peer(fds.second);
}

bool keeps(const Receiver& protocol) {
  return protocol.transport.get_write_buffer_size() > 0;
}

/// Sends until something is kept. Returns how many were sent.
std::size_t fill(Receiver& protocol) {
  std::size_t number = 0;
  while (!keeps(protocol)) {
    protocol.transport.sendto(std::string(1000, 'x'));
    ++number;
  }
  return number;
}

}  // namespace

PARITY(an_endpoint_is_made_first) {
  const auto ours = receiver();
  co_await endpoint(ours);
  say("bound", ours->made);
}

PARITY(what_is_known_of_it) {
  const auto ours = receiver();
  const auto port = co_await endpoint(ours);
  say(port > 0, ours->transport.get_extra_info("peername").size == 0);
  say(ours->transport.get_protocol() == ours);
}

PARITY(what_is_known_of_a_connected_one) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await connected(ours, port_of(peer));
  say(ours->transport.get_extra_info("peername") == at(port_of(peer)));
}

PARITY(a_datagram_and_its_sender) {
  const auto ours = receiver();
  Peer peer = udp(co_await endpoint(ours));
  peer.send("hello");
  co_await until([&] { return ours->number == 1; });
  say(ours->sender == at(port_of(peer)));
}

PARITY(each_comes_whole) {
  const auto ours = receiver();
  Peer peer = udp(co_await endpoint(ours));
  peer.send("one");
  peer.send("two");
  peer.send("three");
  co_await until([&] { return ours->number == 3; });
}

PARITY(a_big_one_comes_whole) {
  const auto ours = receiver();
  Peer peer = udp(co_await endpoint(ours));
  peer.send(std::string(60000, 'x'));
  co_await until([&] { return ours->number == 1; });
  say(ours->received.size());
}

PARITY(an_empty_one_comes) {
  const auto ours = receiver();
  Peer peer = udp(co_await endpoint(ours));
  peer.send("");
  peer.send("x");
  co_await until([&] { return ours->number == 2; });
}

PARITY(an_empty_one_is_not_sent) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await endpoint(ours);
  ours->transport.sendto("", at(port_of(peer)));
  ours->transport.sendto("x", at(port_of(peer)));
  say(peer.receive(), peer.ended);
}

PARITY(sendto_sends_at_once) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await endpoint(ours);
  ours->transport.sendto("hello", at(port_of(peer)));
  say(peer.receive(), ours->transport.get_write_buffer_size());
}

PARITY(an_echo) {
  const auto ours = receiver();
  ours->on_data = [&] { ours->transport.sendto("echo", ours->sender); };
  Peer peer = udp(co_await endpoint(ours));
  for (int i = 0; i < 3; ++i) {
    peer.send(std::to_string(i));
    co_await until([&] { return ours->number > i; });
    say(peer.receive());
  }
}

PARITY(sendto_in_connection_made) {
  const auto ours = receiver();
  Peer peer = udp();
  const auto port = port_of(peer);
  ours->on_made = [&] { ours->transport.sendto("hello", at(port)); };
  co_await endpoint(ours);
  say(peer.receive());
}

PARITY(a_connected_one_needs_no_address) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await connected(ours, port_of(peer));
  ours->transport.sendto("one");
  ours->transport.sendto("two", at(port_of(peer)));
  say(peer.receive());
}

PARITY(a_connected_one_sends_to_nobody_else) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await connected(ours, port_of(peer));
  const auto other = at(port_of(udp()));
  say(raises([&] { ours->transport.sendto("x", other); }));
  say(ours->transport.is_closing(), "[" + peer.receive() + "]");
}

PARITY(a_connected_one_hears_nobody_else) {
  const auto ours = receiver();
  Peer peer = udp();
  const auto port = co_await connected(ours, port_of(peer));
  const SocketAddress address = at(port);
  ::connect(peer.fileno(), address.get(), address.size);
  udp(port).send("!heard");
  peer.send("heard");
  co_await until([&] { return ours->number == 1; });
  co_await settle();
}

PARITY(nobody_is_there) {
  const auto ours = receiver();
  Peer peer = udp();
  const auto port = port_of(peer);
  peer.close();
  co_await connected(ours, port);
  ours->transport.sendto("x");
  co_await until([&] { return ours->failed; });
  say(ours->transport.is_closing(), ours->lost);
}

PARITY(nobody_was_there_and_then_somebody) {
  const auto ours = receiver();
  Peer peer = udp();
  const auto port = port_of(peer);
  peer.close();
  co_await connected(ours, port);
  ours->transport.sendto("x");
  // The next call of the system tells it.
  ours->transport.sendto("y");
  say("failed", ours->failed);
  co_await settle();
}

PARITY(one_that_is_too_big) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await connected(ours, port_of(peer));
  ours->transport.sendto(std::string(70000, 'x'));
  say(ours->transport.is_closing(), ours->lost);
  ours->transport.sendto("small");
  say(peer.receive());
}

PARITY(error_received_raises) {
  const auto ours = receiver();
  ours->on_error = boom;
  Peer peer = udp();
  co_await connected(ours, port_of(peer));
  say(raises([&] { ours->transport.sendto(std::string(70000, 'x')); }));
  say(ours->transport.is_closing());
}

PARITY(close_is_told_later) {
  const auto ours = receiver();
  co_await endpoint(ours);
  ours->transport.close();
  say("closed", ours->transport.is_closing(), ours->lost);
  co_await sleep(0s);
  say("one round later", ours->lost);
  co_await settle();
  say(ours->transport.get_protocol() == nullptr);
}

PARITY(close_twice) {
  const auto ours = receiver();
  co_await endpoint(ours);
  ours->transport.close();
  ours->transport.close();
  co_await settle();
  ours->transport.close();
  co_await settle();
}

PARITY(abort_and_close) {
  const auto ours = receiver();
  co_await endpoint(ours);
  ours->transport.abort();
  ours->transport.close();
  say("aborted", ours->transport.is_closing(), ours->lost);
  co_await settle();
}

PARITY(close_in_connection_made) {
  const auto ours = receiver();
  ours->on_made = [&] { ours->transport.close(); };
  co_await endpoint(ours);
  say("bound", ours->lost);
}

PARITY(close_in_datagram_received) {
  const auto ours = receiver();
  ours->on_data = [&] { ours->transport.close(); };
  Peer peer = udp(co_await endpoint(ours));
  peer.send("one");
  peer.send("two");
  co_await until([&] { return ours->lost; });
  co_await settle();
}

PARITY(abort_in_datagram_received) {
  const auto ours = receiver();
  ours->on_data = [&] { ours->transport.abort(); };
  Peer peer = udp(co_await endpoint(ours));
  peer.send("one");
  peer.send("two");
  co_await until([&] { return ours->lost; });
  co_await settle();
}

PARITY(five_after_close) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await connected(ours, port_of(peer));
  ours->transport.close();

  const auto send = [&] { ours->transport.sendto("x"); };

  for (int i = 0; i < 7; ++i) {
    say(i, lines_on_stderr(send));
  }
  co_await until([&] { return ours->lost; });
  say("[" + peer.receive() + "]");
}

PARITY(one_after_close_to_an_address) {
  const auto ours = receiver();
  Peer peer = udp();
  co_await endpoint(ours);
  ours->transport.close();
  ours->transport.sendto("too late", at(port_of(peer)));
  say("[" + peer.receive() + "]");
  co_await until([&] { return ours->lost; });
}

PARITY(datagram_received_raises) {
  const auto ours = receiver();
  ours->on_data = boom;
  Peer peer = udp(co_await endpoint(ours));
  peer.send("one");
  co_await until([&] { return ours->number == 1; });
  peer.send("two");
  co_await until([&] { return ours->number == 2; });
  co_await settle();
  say(ours->transport.is_closing(), ours->lost);
}

PARITY(connection_made_raises) {
  const auto ours = receiver();
  ours->on_made = boom;
  Peer peer = udp(co_await endpoint(ours));
  peer.send("one");
  co_await until([&] { return ours->number == 1; });
}

PARITY(connection_lost_raises) {
  const auto ours = receiver();
  ours->on_lost = boom;
  co_await endpoint(ours);
  ours->transport.close();
  co_await settle();
  say(ours->transport.get_protocol() == nullptr);
}

PARITY(the_factory_raises) {
  const auto factory = []() -> std::shared_ptr<Receiver> {
    throw ValueError("boom");
  };
  const HostAndPort local("127.0.0.1", 0);
  try {
    co_await create_datagram_endpoint(factory, local);
  } catch (const ValueError&) {
    say(name(std::current_exception()));
  }
}

PARITY(nothing_comes_while_it_is_paused) {
  const auto ours = receiver();
  Peer peer = udp(co_await endpoint(ours));
  ours->transport.pause_reading();
  peer.send("one");
  peer.send("two");
  co_await settle();
  say("so far", ours->number, ours->transport.is_reading());
  ours->transport.resume_reading();
  co_await until([&] { return ours->number == 2; });
}

PARITY(two_endpoints_talk) {
  const auto one = receiver("one");
  const auto two = receiver("two");
  const auto port = co_await endpoint(one);
  co_await connected(two, port);
  one->on_data = [&] { one->transport.sendto("pong", one->sender); };
  two->transport.sendto("ping");
  co_await until([&] { return two->number == 1; });
  two->on_data = [&] { two->transport.close(); };
  one->transport.sendto("over", one->sender);
  co_await until([&] { return two->lost; });
}

PARITY(an_address_that_is_taken) {
  const auto ours = receiver();
  const HostAndPort local("127.0.0.1", co_await endpoint(ours));
  const auto factory = [] { return receiver("other"); };
  try {
    co_await create_datagram_endpoint(factory, local);
  } catch (const std::system_error&) {
    say(kind(std::current_exception()));
  }
}

PARITY(no_address_at_all) {
  const auto factory = [] { return receiver(); };
  const HostAndPort nowhere;
  try {
    co_await create_datagram_endpoint(factory, nowhere);
  } catch (const std::invalid_argument&) {
    say(kind(std::current_exception()));
  }
}

PARITY(creating_is_cancelled) {
  const auto ours = receiver();
  const auto creates = create_task(endpoint(ours));
  co_await sleep(0s);
  creates.cancel();
  try {
    co_await creates;
  } catch (const CancelledError&) {
    say(name(std::current_exception()));
  }
  co_await until([&] { return ours->lost; });
}

PARITY(what_is_not_taken_is_kept) {
  const auto ours = receiver();
  Peer peer = co_await unread(ours);
  const std::size_t number = fill(*ours);
  say("kept", ours->transport.get_write_buffer_size());
  ours->transport.sendto("12345");
  say("kept", ours->transport.get_write_buffer_size());
  std::size_t size = 0;
  const auto empty = [&] {
    size += peer.receive().size();
    return !keeps(*ours);
  };
  co_await until(empty);
  size += peer.receive().size();
  say(size == 1000 * number + 5);
}

PARITY(it_pauses_and_resumes) {
  const auto ours = receiver();
  Peer peer = co_await unread(ours);
  fill(*ours);
  ours->transport.set_write_buffer_limits(2000);
  ours->transport.sendto(std::string(1000, 'x'));
  say("at the mark", ours->paused);
  ours->transport.sendto("x");
  say("above it", ours->paused);
  peer.receive();
  co_await until([&] { return !ours->paused; });
}

PARITY(close_sends_what_is_kept) {
  const auto ours = receiver();
  Peer peer = co_await unread(ours);
  const auto number = fill(*ours);
  ours->transport.close();
  co_await settle();
  say(ours->transport.is_closing(), keeps(*ours), ours->lost);
  std::size_t size = peer.receive().size();
  co_await until([&] { return ours->lost; });
  size += peer.receive().size();
  say(size == 1000 * number);
}

PARITY(abort_drops_what_is_kept) {
  const auto ours = receiver();
  Peer peer = co_await unread(ours);
  const auto number = fill(*ours);
  ours->transport.abort();
  say(ours->transport.is_closing(), keeps(*ours), ours->lost);
  co_await until([&] { return ours->lost; });
  say(peer.receive().size() == 1000 * (number - 1));
}

PARITY(the_peer_ends_with_some_kept) {
  const auto ours = receiver();
  Peer peer = co_await unread(ours);
  fill(*ours);
  peer.close();
  co_await until([&] { return ours->failed; });
  co_await settle();
  say(ours->transport.is_closing(), ours->lost);
}

PARITY(the_peer_ends_while_close_waits) {
  const auto ours = receiver();
  Peer peer = co_await unread(ours);
  fill(*ours);
  ours->transport.sendto("one");
  ours->transport.sendto("two");
  ours->transport.close();
  co_await settle();
  say("waits", !ours->lost);
  peer.close();
  co_await until([&] { return ours->lost; });
}

PARITY_PLAIN(stop_in_datagram_received) {
  EventLoop loop;
  prepare(loop);
  const auto ours = receiver();
  Peer peer = udp(loop.run_until_complete(endpoint(ours)));
  ours->on_data = [&] { loop.stop(); };
  peer.send("one");
  loop.run_forever();
  say("stopped", ours->number);
  peer.send("two");
  loop.run_forever();
  say("stopped", ours->number);
  loop.close();
  say("closed", ours->lost);
}
