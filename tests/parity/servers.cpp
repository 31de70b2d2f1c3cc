// Servers: who is let in, how long they serve, and what outlives them.
//
// Stage: 15
#include <sys/socket.h>

#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/net.hpp"
#include "connections.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

using Hosts = std::vector<std::string>;

/// Creates a protocol for each connection.
struct Visitors {
  std::shared_ptr<Recorder> add() {
    all.push_back(recorder("visitor " + std::to_string(all.size())));
    on_new();
    return all.back();
  }

  std::vector<std::shared_ptr<Recorder>> all;
  Hook on_new = nothing;
};

/// Those of a server to which nobody comes.
Visitors NOBODY;

Coroutine<Server> listen(
    Visitors& visitors,
    Hosts hosts = Hosts(1, "127.0.0.1"),
    int port = 0,
    ServerOptions options = ServerOptions()
) {
  return create_server(
      [&visitors] { return visitors.add(); },
      std::move(hosts),
      port,
      options
  );
}

Coroutine<Server> listen(Visitors& visitors, ServerOptions options) {
  return listen(visitors, Hosts(1, "127.0.0.1"), 0, options);
}

Coroutine<Server> listen_on_socket(Visitors& visitors, int fd) {
  return create_server([&visitors] { return visitors.add(); }, Socket(fd));
}

ServerOptions not_serving() {
  ServerOptions options;
  options.start_serving = false;
  return options;
}

ServerOptions sharing() {
  ServerOptions options;
  options.reuse_port = true;
  return options;
}

ServerOptions only_ipv6() {
  ServerOptions options;
  options.family = AF_INET6;
  return options;
}

/// Until so many are there.
Coroutine<> visited(Visitors& visitors, std::size_t number) {
  co_await until([&] {
    return visitors.all.size() == number && visitors.all.back()->made;
  });
}

void state(const Server& server) {
  say("serving", server.is_serving(), "sockets", server.sockets().size());
}

int bound() { return bound_socket(look_up("127.0.0.1", 0).front()); }

}  // namespace

PARITY(a_server_serves_at_once) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  state(server);
  server.close();
}

PARITY(each_connection_has_a_protocol) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  for (std::size_t i = 0; i < 3; ++i) {
    connect_raw(server_port(server));
    co_await visited(visitors, i + 1);
  }
  say(visitors.all[0]->transport == visitors.all[1]->transport);
  server.close();
}

PARITY(many_connect_at_once) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  for (std::size_t i = 0; i < 5; ++i) {
    connect_raw(server_port(server));
  }
  co_await visited(visitors, 5);
  server.close();
}

PARITY(made_comes_before_data) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  Peer peer = connect_raw(server_port(server));
  peer.send("early");
  peer.close();
  co_await visited(visitors, 1);
  co_await until([&] { return visitors.all[0]->lost; });
  server.close();
}

PARITY(both_sides_are_told) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  co_await dial(ours, server_port(server));
  co_await until([&] { return theirs->made; });
  ours->transport.write("ping");
  co_await until([&] { return theirs->received != ""; });
  theirs->transport.write("pong");
  co_await until([&] { return ours->received != ""; });
  ours->transport.close();
  co_await until([&] { return theirs->lost; });
  server.close();
}

PARITY(half_closed_it_still_answers) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  theirs->keep_open = true;
  const auto server = co_await serve(theirs);
  co_await dial(ours, server_port(server));
  co_await until([&] { return theirs->made; });
  ours->transport.write("question");
  ours->transport.write_eof();
  co_await until([&] { return theirs->ended; });
  theirs->transport.write("answer");
  theirs->transport.close();
  co_await until([&] { return ours->lost; });
  server.close();
}

PARITY(not_yet_serving) {
  Visitors visitors;
  const auto server = co_await listen(visitors, not_serving());
  state(server);
  const auto ours = recorder();
  co_await outcome("dial", dial(ours, server_port(server)));
  co_await server.start_serving();
  state(server);
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  server.close();
}

PARITY(start_serving_twice) {
  Visitors visitors;
  const auto server = co_await listen(visitors, not_serving());
  co_await outcome("first", server.start_serving());
  co_await outcome("second", server.start_serving());
  state(server);
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  server.close();
}

PARITY(start_serving_after_close) {
  const auto server = co_await listen(NOBODY, not_serving());
  server.close();
  bool refused = false;
  try {
    co_await server.start_serving();
  } catch (const std::exception&) {
    refused = true;
  }
  say("refused", refused);
}

PARITY(close_before_it_serves) {
  const auto server = co_await listen(NOBODY, not_serving());
  server.close();
  state(server);
  co_await outcome("wait_closed", server.wait_closed());
}

PARITY(close_is_the_end_for_new_ones) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  const auto port = server_port(server);
  server.close();
  state(server);
  const auto ours = recorder();
  co_await outcome("dial", dial(ours, port));
  say(visitors.all.size(), ours->made);
}

PARITY(close_twice) {
  const auto server = co_await listen(NOBODY);
  server.close();
  server.close();
  state(server);
  co_await settle();
  server.close();
}

PARITY(connections_outlive_their_server) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  Peer peer = connect_raw(server_port(server));
  co_await visited(visitors, 1);
  server.close();
  const auto visitor = visitors.all[0];
  peer.send("still here");
  co_await until([&] { return visitor->received != ""; });
  visitor->transport.write("so am I");
  visitor->transport.close();
  say(co_await until_end(peer));
}

PARITY(one_that_waits_when_the_server_closes) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  Peer peer = connect_raw(server_port(server));
  server.close();
  say("[" + co_await until_end(peer) + "]", visitors.all.size());
}

PARITY(wait_closed_waits_for_close) {
  const auto server = co_await listen(NOBODY);
  const auto waits = create_task(server.wait_closed());
  co_await settle();
  say("waits", !waits.done());
  server.close();
  co_await waits;
  say("closed");
}

PARITY(wait_closed_waits_for_connections) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  Peer peer = connect_raw(server_port(server));
  co_await visited(visitors, 1);
  const auto waits = create_task(server.wait_closed());
  co_await settle();
  server.close();
  co_await settle();
  say("waits", !waits.done());
  peer.close();
  co_await waits;
  say("closed", visitors.all[0]->lost);
}

PARITY(wait_closed_after_close_does_not_wait) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  server.close();
  co_await server.wait_closed();
  say("lost", visitors.all[0]->lost);
  co_await server.wait_closed();
}

PARITY(two_wait_for_the_end) {
  const auto server = co_await listen(NOBODY);
  const auto one = create_task(outcome("one", server.wait_closed()));
  const auto two = create_task(outcome("two", server.wait_closed()));
  co_await settle();
  server.close();
  co_await one;
  co_await two;
}

PARITY(one_that_waits_for_the_end_is_cancelled) {
  const auto server = co_await listen(NOBODY);
  const auto one = create_task(outcome("one", server.wait_closed()));
  const auto two = create_task(outcome("two", server.wait_closed()));
  co_await settle();
  one.cancel();
  co_await one;
  state(server);
  server.close();
  co_await two;
}

PARITY(an_aborted_connection_ends_the_wait) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  const auto waits = create_task(outcome("wait", server.wait_closed()));
  co_await settle();
  server.close();
  visitors.all[0]->transport.abort();
  co_await waits;
}

PARITY(connection_lost_raises_and_ends_the_wait) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  Peer peer = connect_raw(server_port(server));
  co_await visited(visitors, 1);
  visitors.all[0]->on_lost = boom;
  const auto waits = create_task(outcome("wait", server.wait_closed()));
  co_await settle();
  server.close();
  peer.close();
  co_await waits;
}

PARITY(serve_forever_is_cancelled) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  const auto serves = create_task(outcome("serve", server.serve_forever()));
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  visitors.all[0]->transport.close();
  co_await until([&] { return visitors.all[0]->lost; });
  serves.cancel();
  co_await serves;
  state(server);
}

PARITY(serve_forever_is_cancelled_with_a_connection) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  const auto serves = create_task(outcome("serve", server.serve_forever()));
  Peer peer = connect_raw(server_port(server));
  co_await visited(visitors, 1);
  serves.cancel();
  co_await serves;
  state(server);
  const auto visitor = visitors.all[0];
  peer.send("still here");
  co_await until([&] { return visitor->received != ""; });
}

PARITY(serve_forever_twice) {
  const auto server = co_await listen(NOBODY);
  const auto serves = create_task(outcome("first", server.serve_forever()));
  co_await settle();
  co_await outcome("second", server.serve_forever());
  state(server);
  serves.cancel();
  co_await serves;
}

PARITY(serve_forever_begins_to_serve) {
  Visitors visitors;
  const auto server = co_await listen(visitors, not_serving());
  const auto serves = create_task(outcome("serve", server.serve_forever()));
  co_await settle();
  state(server);
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  serves.cancel();
  co_await serves;
}

PARITY(serve_forever_of_one_that_is_closed) {
  const auto server = co_await listen(NOBODY);
  server.close();
  co_await outcome("serve", server.serve_forever());
}

PARITY(close_ends_serve_forever) {
  const auto server = co_await listen(NOBODY);
  const auto serves = create_task(outcome("serve", server.serve_forever()));
  co_await settle();
  server.close();
  co_await serves;
  state(server);
}

PARITY(close_ends_serve_forever_with_a_connection) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  const auto serves = create_task(outcome("serve", server.serve_forever()));
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  server.close();
  co_await serves;
  say("lost", visitors.all[0]->lost);
}

PARITY(serve_forever_after_it_was_cancelled) {
  const auto server = co_await listen(NOBODY);
  const auto serves = create_task(outcome("first", server.serve_forever()));
  co_await settle();
  serves.cancel();
  co_await serves;
  co_await outcome("second", server.serve_forever());
}

PARITY(the_factory_raises) {
  Visitors visitors;
  visitors.on_new = boom;
  const auto server = co_await listen(visitors);
  Peer peer = connect_raw(server_port(server));
  say("[" + co_await until_end(peer) + "]", visitors.all.size());
  visitors.on_new = nothing;
  connect_raw(server_port(server));
  co_await visited(visitors, 2);
  server.close();
}

PARITY(connection_made_raises) {
  Visitors visitors;
  const auto server = co_await listen(visitors);

  const auto set_up = [&] { visitors.all.back()->on_made = boom; };

  visitors.on_new = set_up;
  Peer peer = connect_raw(server_port(server));
  co_await visited(visitors, 1);
  const auto visitor = visitors.all[0];
  peer.send("goes on");
  co_await until([&] { return visitor->received != ""; });
  server.close();
}

PARITY(abort_in_connection_made) {
  Visitors visitors;
  const auto server = co_await listen(visitors);

  const auto set_up = [&] {
    visitors.all.back()->on_made = [&] {
      visitors.all.back()->transport.abort();
    };
  };

  visitors.on_new = set_up;
  Peer peer = connect_raw(server_port(server));
  say("[" + co_await until_end(peer) + "]");
  server.close();
}

PARITY(close_the_server_in_connection_made) {
  Visitors visitors;
  const auto server = co_await listen(visitors);

  const auto set_up = [&] {
    visitors.all.back()->on_made = [&] { server.close(); };
  };

  visitors.on_new = set_up;
  Peer peer = connect_raw(server_port(server));
  co_await visited(visitors, 1);
  state(server);
  const auto visitor = visitors.all[0];
  peer.send("goes on");
  co_await until([&] { return visitor->received != ""; });
}

PARITY(close_the_server_in_connection_made_of_the_first) {
  Visitors visitors;
  const auto server = co_await listen(visitors);

  const auto set_up = [&] {
    visitors.all.back()->on_made = [&] { server.close(); };
  };

  visitors.on_new = set_up;
  connect_raw(server_port(server));
  connect_raw(server_port(server));
  co_await visited(visitors, 2);
  state(server);
}

PARITY(close_the_server_in_the_factory) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  visitors.on_new = [&] { server.close(); };
  connect_raw(server_port(server));
  co_await until([&] { return !visitors.all.empty(); });
  co_await settle();
  say(visitors.all[0]->made);
  state(server);
}

PARITY(close_the_server_in_data_received) {
  const auto theirs = recorder("theirs");
  const auto server = co_await serve(theirs);

  const auto end = [&] {
    server.close();
    theirs->transport.write("the last one");
    theirs->transport.close();
  };

  theirs->on_data = end;
  Peer peer = connect_raw(server_port(server));
  peer.send("x");
  say(co_await until_end(peer));
  state(server);
}

PARITY(close_the_server_in_connection_lost) {
  const auto theirs = recorder("theirs");
  const auto server = co_await serve(theirs);
  theirs->on_lost = [&] { server.close(); };
  const auto waits = create_task(outcome("wait", server.wait_closed()));
  connect_raw(server_port(server)).close();
  co_await waits;
}

PARITY(a_server_that_nobody_keeps) {
  Visitors visitors;
  const auto port = server_port(co_await listen(visitors));
  co_await settle();
  connect_raw(port);
  co_await visited(visitors, 1);
}

PARITY(a_server_of_a_socket) {
  Visitors visitors;
  const auto server = co_await listen_on_socket(visitors, bound());
  state(server);
  connect_raw(server_port(server));
  co_await visited(visitors, 1);
  server.close();
}

PARITY(a_server_of_a_socket_that_listens) {
  Visitors visitors;
  const auto sock = bound();
  ::listen(sock, 100);
  connect_raw(::port_of(sock));
  const auto server = co_await listen_on_socket(visitors, sock);
  co_await visited(visitors, 1);
  server.close();
}

PARITY(a_server_of_two_addresses) {
  Visitors visitors;
  const Hosts hosts{"127.0.0.1", "127.0.0.2"};
  const auto server = co_await listen(visitors, hosts);
  state(server);
  for (std::size_t i = 0; i < 2; ++i) {
    const int port = ::port_of(server.sockets()[i].fileno());
    connect_raw(port, i == 0 ? "127.0.0.1" : "127.0.0.2");
    co_await visited(visitors, i + 1);
  }
  server.close();
  state(server);
}

PARITY(the_same_address_twice) {
  const auto server = co_await listen(NOBODY, Hosts(2, "127.0.0.1"));
  state(server);
  server.close();
}

PARITY(an_address_that_is_taken) {
  const auto server = co_await listen(NOBODY);
  const auto port = server_port(server);
  co_await outcome("again", listen(NOBODY, Hosts(1, "127.0.0.1"), port));
  state(server);
  server.close();
}

PARITY(an_address_that_is_not_ours) {
  co_await outcome("listen", listen(NOBODY, Hosts(1, "192.0.2.1")));
}

PARITY(an_address_of_another_family) {
  bool failed = false;
  try {
    co_await listen(NOBODY, only_ipv6());
  } catch (const std::exception&) {
    failed = true;
  }
  say("failed", failed);
}

PARITY(one_of_two_addresses_is_taken) {
  const auto server = co_await listen(NOBODY, Hosts(1, "127.0.0.2"));
  const auto port = server_port(server);
  const Hosts both{"127.0.0.1", "127.0.0.2"};
  co_await outcome("both", listen(NOBODY, both, port));
  const Hosts other(1, "127.0.0.1");
  co_await outcome("the other one", listen(NOBODY, other, port));
  server.close();
}

PARITY(two_servers_share_a_port) {
  Visitors visitors;
  const auto server = co_await listen(visitors, sharing());
  const auto port = server_port(server);
  const Hosts hosts(1, "127.0.0.1");
  const auto second = co_await listen(visitors, hosts, port, sharing());
  say(server_port(second) == port);
  connect_raw(port);
  co_await visited(visitors, 1);
  server.close();
  second.close();
}

PARITY(nobody_listens) {
  const auto ours = recorder();
  const auto sock = bound();
  co_await outcome("dial", dial(ours, ::port_of(sock)));
  say(ours->made, ours->lost);
}

PARITY(the_names_of_both_ends) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  co_await dial(ours, server_port(server));
  co_await until([&] { return theirs->made; });
  const auto here = ours->transport;
  const auto there = theirs->transport;
  say(here.get_extra_info("peername") == there.get_extra_info("sockname"));
  say(here.get_extra_info("sockname") == there.get_extra_info("peername"));
  server.close();
}

PARITY_THREADS(by_name) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const auto factory = [ours] { return ours; };
  co_await create_connection(factory, "localhost", server_port(server));
  say("connected");
  co_await until([&] { return theirs->made; });
  server.close();
}

PARITY(connecting_is_cancelled_at_once) {
  const auto ours = recorder();
  Visitors visitors;
  const auto server = co_await listen(visitors);
  const auto port = server_port(server);
  const auto dials = create_task(outcome("dial", dial(ours, port)));
  co_await sleep(0s);
  dials.cancel();
  co_await dials;
  co_await settle();
  say(ours->made);
  server.close();
}

PARITY(connecting_is_cancelled_in_connection_made) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto server = co_await serve(theirs);
  const auto port = server_port(server);
  const auto dials = create_task(outcome("dial", dial(ours, port)));
  ours->on_made = [&] { dials.cancel(); };
  co_await dials;
  co_await until([&] { return ours->lost && theirs->lost; });
  server.close();
}

PARITY(a_connected_socket) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  const auto ours = recorder();
  const auto sock = connect_to("127.0.0.1", server_port(server));
  co_await connect(ours, sock);
  co_await visited(visitors, 1);
  ours->transport.write("hello");
  const auto visitor = visitors.all[0];
  co_await until([&] { return visitor->received != ""; });
  server.close();
}

PARITY(create_server_is_cancelled) {
  Visitors visitors;
  const auto sock = bound();
  const auto port = ::port_of(sock);
  const auto creates =
      create_task(outcome("create", listen_on_socket(visitors, sock)));
  co_await sleep(0s);
  creates.cancel();
  co_await creates;
  co_await outcome("dial", dial(recorder(), port));
}

PARITY(another_one_every_time) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  for (std::size_t i = 0; i < 3; ++i) {
    Peer peer = connect_raw(server_port(server));
    co_await visited(visitors, i + 1);
    visitors.all[i]->transport.write("bye");
    visitors.all[i]->transport.close();
    say(co_await until_end(peer));
  }
  server.close();
}

PARITY(one_visitor_raises_and_another_stays) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  Peer one = connect_raw(server_port(server));
  co_await visited(visitors, 1);
  Peer two = connect_raw(server_port(server));
  co_await visited(visitors, 2);
  const auto first = visitors.all[0];
  const auto second = visitors.all[1];
  first->on_data = boom;
  one.send("x");
  co_await until([&] { return first->lost; });
  two.send("y");
  co_await until([&] { return second->received != ""; });
  server.close();
}

PARITY(one_that_came_and_went) {
  Visitors visitors;
  const auto server = co_await listen(visitors);
  connect_raw(server_port(server)).reset();
  Peer peer = connect_raw(server_port(server));
  peer.send("x");
  co_await visited(visitors, 2);
  co_await until([&] {
    return visitors.all[0]->lost && visitors.all[1]->received != "";
  });
  server.close();
}

PARITY_PLAIN(stop_in_connection_made) {
  EventLoop loop;
  prepare(loop);
  Visitors visitors;
  const auto server = loop.run_until_complete(listen(visitors));

  const auto set_up = [&] {
    visitors.all.back()->on_made = [&] { loop.stop(); };
  };

  visitors.on_new = set_up;
  Peer peer = connect_raw(server_port(server));
  loop.run_forever();
  say("stopped", visitors.all[0]->made);
  visitors.all[0]->on_data = [&] { loop.stop(); };
  peer.send("x");
  loop.run_forever();
  state(server);
  server.close();
  loop.close();
}

PARITY_PLAIN(the_loop_closes_with_a_server) {
  EventLoop loop;
  prepare(loop);
  Visitors visitors;
  const auto server = loop.run_until_complete(listen(visitors));
  connect_raw(server_port(server));
  loop.run_until_complete(visited(visitors, 1));
  loop.close();
  say("closed", visitors.all[0]->lost);
  say("over");
}

PARITY_PLAIN(close_a_server_of_a_closed_loop) {
  EventLoop loop;
  prepare(loop);
  const auto server = loop.run_until_complete(listen(NOBODY));
  loop.close();
  say(raises([&] { server.close(); }));
  state(server);
}
