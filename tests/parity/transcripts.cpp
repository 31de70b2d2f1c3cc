// What protocols are told in a conversation that ends at every byte: the same
// program as transcripts.py, which explains it. Its two cases are no pair, but
// talk with each other: `NN_parity transcripts server` and `client`, and what
// else they need is in TRANSCRIPTS, as it follows in Python's command.
//
// Stage: 15
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net.hpp"
#include "connections.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;

namespace {

const std::string HOST = "127.0.0.1";
const std::vector<std::string> PIECES{
    "one, ", "to the echo, ", "of the other side, ", "bye"};
const std::string TEXT = "one, to the echo, of the other side, bye";

/// The pieces, so many bytes of them.
std::vector<std::string> beginning(std::size_t count) {
  std::vector<std::string> pieces;
  for (const std::string& piece : PIECES) {
    if (count > 0) {
      pieces.push_back(piece.substr(0, count));
    }
    count -= std::min(count, piece.size());
  }
  return pieces;
}

/// Keeps what a protocol is told; pieces of data as one.
struct Transcript {
  void tell(const std::string& words) {
    told.push_back(words);
    changed.set();
  }

  void got(const std::string& data) {
    if (!received.empty()) {
      told.pop_back();
    }
    received += data;
    tell("data=" + received);
  }

  void has_lost_it(const std::exception_ptr& exception) {
    over = lost = true;
    tell("lost " + kind(exception));
  }

  /// Waits for so many bytes, or for the end.
  Coroutine<> has_received(std::size_t count) {
    while (received.size() < count && !over) {
      co_await change();
    }
  }

  Coroutine<> has_lost() {
    while (!lost) {
      co_await change();
    }
  }

  Coroutine<> change() {
    changed.clear();
    co_await changed.wait();
  }

  std::vector<std::string> told;
  std::string received;
  bool over = false;
  bool lost = false;
  Event changed;
};

struct Talker : Protocol, Transcript {
  void connection_made(Transport its_transport) override {
    transport = its_transport;
    tell("made");
  }
  void data_received(std::string_view data) override { got(std::string(data)); }
  bool eof_received() override {
    over = true;
    tell("eof");
    return false;
  }
  void connection_lost(std::exception_ptr exception) override {
    has_lost_it(exception);
  }

  /// The other side is told by its end, or without any respect.
  void end(const std::string& how) {
    if (how == "eof") {
      transport.write_eof();
      return;
    }
    const linger at_once{1, 0};
    const int fd = transport.get_extra_info<TransportSocket>("socket").fileno();
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    transport.abort();
  }

  Transport transport;
};

// ---- The server ----

/// Sends back what comes, and says at the end that it has seen it.
struct Echo : Talker {
  void data_received(std::string_view data) override {
    Talker::data_received(data);
    transport.write(data);
  }
  bool eof_received() override {
    Talker::eof_received();
    transport.write(" end");
    return false;
  }
};

/// Sends back so many bytes, and ends in the middle of what is next.
struct Leaver : Talker {
  Leaver(std::size_t its_count, std::string its_how)
      : count(its_count), how(std::move(its_how)) {}

  void data_received(std::string_view data) override {
    const std::size_t before = received.size();
    Talker::data_received(data);
    if (before < count) {
      transport.write(received.substr(before, count - before));
    }
    if (received.size() > count) {
      end(how);
    }
  }
  bool eof_received() override {
    Talker::eof_received();
    if (how != "eof") {
      end(how);
    }
    return false;
  }

  std::size_t count;
  std::string how;
};

struct Datagrams : DatagramProtocol, Transcript {
  void connection_made(DatagramTransport its_transport) override {
    transport = its_transport;
    tell("made");
  }
  void datagram_received(std::string_view data, SocketAddress) override {
    received = data;
    tell("datagram=" + received);
  }
  void error_received(std::exception_ptr exception) override {
    tell("error " + kind(exception));
  }
  void connection_lost(std::exception_ptr exception) override {
    has_lost_it(exception);
  }

  DatagramTransport transport;
};

struct DatagramEcho : Datagrams {
  void datagram_received(std::string_view data, SocketAddress addr) override {
    Datagrams::datagram_received(data, addr);
    transport.sendto(data, addr);
  }
};

/// All of a server, in the order of their connections.
struct Talkers {
  explicit Talkers(std::string its_name) : name(std::move(its_name)) {}

  template <class T, class... Arguments>
  std::shared_ptr<T> add(const Arguments&... arguments) {
    const auto talker = std::make_shared<T>(arguments...);
    all.push_back(talker);
    return talker;
  }

  std::shared_ptr<StreamProtocol> leaver() {
    const std::size_t number = all.size();
    return add<Leaver>(number / 2, number % 2 ? "reset" : "eof");
  }

  void say_all() const {
    for (std::size_t number = 0; number < all.size(); ++number) {
      std::string line;
      for (const std::string& words : all[number]->told) {
        line += (line.empty() ? "" : "|") + words;
      }
      say(name, number, line);
    }
  }

  std::string name;
  std::vector<std::shared_ptr<Transcript>> all;
};

std::vector<std::string> arguments() {
  const char* const all = std::getenv("TRANSCRIPTS");
  std::istringstream words(all ? all : "");
  std::vector<std::string> each;
  for (std::string word; words >> word;) {
    each.push_back(word);
  }
  return each;
}

Coroutine<> until_stdin_ends() {
  char buffer[100];
  do {
    co_await wait_readable(STDIN_FILENO);
  } while (::read(STDIN_FILENO, buffer, sizeof buffer) > 0);
}

}  // namespace

PARITY_THREADS(server) {
  const std::string folder = arguments().at(0);
  Talkers echo("tcp_echo");
  Talkers leaver("tcp_leaver");
  Talkers unix_echo("unix_echo");
  Talkers unix_leaver("unix_leaver");
  Talkers udp("udp");
  const ProtocolFactory make_echo = [&] { return echo.add<Echo>(); };
  const ProtocolFactory make_leaver = [&] { return leaver.leaver(); };
  const ProtocolFactory make_unix_echo = [&] { return unix_echo.add<Echo>(); };
  const ProtocolFactory make_unix_leaver = [&] { return unix_leaver.leaver(); };
  const auto make_udp = [&] { return udp.add<DatagramEcho>(); };
  std::vector<Server> servers;
  servers.push_back(co_await create_server(make_echo, HOST, 0));
  servers.push_back(co_await create_server(make_leaver, HOST, 0));
  servers.push_back(
      co_await create_unix_server(make_unix_echo, folder + "/echo"));
  servers.push_back(
      co_await create_unix_server(make_unix_leaver, folder + "/leaver"));
  const auto [endpoint, protocol] =
      co_await create_datagram_endpoint(make_udp, HostAndPort(HOST, 0));
  say("listening on", server_port(servers[0]), server_port(servers[1]),
      port_of(endpoint.get_extra_info("sockname")));
  co_await until_stdin_ends();
  for (const Server& server : servers) {
    server.close();
  }
  endpoint.close();
  const std::vector<Talkers*> all_of_them{
      &echo, &leaver, &unix_echo, &unix_leaver, &udp};
  for (Talkers* talkers : all_of_them) {
    for (const auto& talker : talkers->all) {
      co_await talker->has_lost();
    }
    talkers->say_all();
  }
}

// ---- The client ----

namespace {

using Connect = std::function<Coroutine<>(ProtocolFactory)>;

Connect to_port(const std::string& port) {
  return [port](ProtocolFactory factory) -> Coroutine<> {
    co_await create_connection(factory, HOST, std::stoi(port));
  };
}

Connect to_path(const std::string& path) {
  return [path](ProtocolFactory factory) -> Coroutine<> {
    co_await create_unix_connection(factory, path);
  };
}

/// A reset waits for the last piece to come back, the others do not.
Coroutine<> converse(
    std::shared_ptr<Talker> talker,
    std::size_t count,
    std::string how
) {
  std::size_t sent = 0;
  for (const std::string& piece : beginning(count)) {
    talker->transport.write(piece);
    sent += piece.size();
    if (sent < count || how == "reset") {
      co_await talker->has_received(sent);
    }
  }
  talker->end(how);
  co_await talker->has_lost();
}

Coroutine<> end_at_every_byte(
    std::string name,
    std::vector<std::string> hows,
    Connect connect
) {
  Talkers talkers(name);
  for (std::size_t count = 0; count <= TEXT.size(); ++count) {
    for (const std::string& how : hows) {
      const auto talker = talkers.add<Talker>();
      const ProtocolFactory factory = [talker] { return talker; };
      co_await connect(factory);
      co_await converse(talker, count, how);
    }
  }
  talkers.say_all();
}

Coroutine<> be_left_at_every_byte(std::string name, Connect connect) {
  Talkers talkers(name);
  for (std::size_t i = 0; i < 2 * TEXT.size() + 2; ++i) {
    const auto talker = talkers.add<Talker>();
    const ProtocolFactory factory = [talker] { return talker; };
    co_await connect(factory);
    std::size_t sent = 0;
    for (const std::string& piece : PIECES) {
      if (!talker->over) {
        talker->transport.write(piece);
        sent += piece.size();
        co_await talker->has_received(sent);
      }
    }
    if (!talker->over) {
      talker->end("eof");
    }
    co_await talker->has_lost();
  }
  talkers.say_all();
}

Coroutine<std::shared_ptr<Datagrams>> datagrams(
    Talkers* talkers,
    HostAndPort local,
    HostAndPort remote
) {
  const auto factory = [talkers] { return talkers->add<Datagrams>(); };
  const auto [transport, protocol] =
      co_await create_datagram_endpoint(factory, local, remote);
  co_return protocol;
}

/// Of every length, each when the last one is back.
Coroutine<> send_datagrams(
    std::string name,
    HostAndPort local,
    HostAndPort remote,
    SocketAddress to
) {
  Talkers talkers(name);
  const auto talker = co_await datagrams(&talkers, local, remote);
  for (std::size_t count = 1; count <= TEXT.size(); ++count) {
    const std::string text = TEXT.substr(0, count);
    talker->transport.sendto(text, to);
    while (talker->received != text) {
      co_await talker->change();
    }
  }
  talker->transport.close();
  co_await talker->has_lost();
  talkers.say_all();
}

Coroutine<> send_to_nobody() {
  Talkers talkers("udp_nobody");
  const HostAndPort any_port(HOST, 0);
  const HostAndPort none;
  const auto gone = co_await datagrams(&talkers, any_port, none);
  const int port = port_of(gone->transport.get_extra_info("sockname"));
  gone->transport.close();
  co_await gone->has_lost();
  const HostAndPort nobody(HOST, port);
  const auto talker = co_await datagrams(&talkers, none, nobody);
  talker->transport.sendto("anybody?");
  co_await talker->change();
  talker->transport.close();
  co_await talker->has_lost();
  talkers.say_all();
}

}  // namespace

PARITY_THREADS(client) {
  const auto words = arguments();
  const std::string folder = words.at(0);
  const std::vector<std::string> hows{"eof", "reset", "cut"};
  const std::vector<std::string> unix_hows{"eof", "reset"};
  const HostAndPort any_port(HOST, 0);
  const HostAndPort udp(HOST, std::stoi(words.at(3)));
  const HostAndPort none;
  const SocketAddress nowhere;
  const SocketAddress there = look_up(HOST, udp.port).front().address;
  co_await end_at_every_byte("tcp", hows, to_port(words[1]));
  co_await be_left_at_every_byte("tcp_left", to_port(words[2]));
  co_await end_at_every_byte("unix", unix_hows, to_path(folder + "/echo"));
  co_await be_left_at_every_byte("unix_left", to_path(folder + "/leaver"));
  co_await send_datagrams("udp_connected", none, udp, nowhere);
  co_await send_datagrams("udp", any_port, none, there);
  co_await send_to_nobody();
}
