// Unix sockets: servers and connections whose address is a path.
//
// Stage: 15
#include <sys/socket.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "common/net.hpp"
#include "connections.hpp"
#include "parity.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

/// Goes when the program ends.
struct Folder {
  Folder() {
    if (!::mkdtemp(path)) {
      throw_errno("mkdtemp");
    }
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  char path[20] = "/tmp/unix-XXXXXX";
  int count = 0;
};

/// A path in a new folder.
std::string in_a_folder(const std::string& name = "socket") {
  static Folder all;
  const auto folder = all.path + ("/" + std::to_string(all.count++));
  std::filesystem::create_directory(folder);
  return folder + "/" + name;
}

SocketAddress at(const std::string& path) { return unix_address(path).address; }

Coroutine<Server> listen(
    std::shared_ptr<Recorder> protocol,
    std::string path,
    ServerOptions options = ServerOptions()
) {
  const auto factory = [protocol] { return protocol; };
  co_return co_await create_unix_server(factory, path, options);
}

Connected<Recorder> dial(std::shared_ptr<Recorder> protocol, std::string path) {
  const auto factory = [protocol] { return protocol; };
  co_return co_await create_unix_connection(factory, path);
}

Peer connect_raw(const std::string& path) {
  const SocketAddress address = at(path);
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ::connect(fd, address.get(), address.size);
  return Peer(fd);
}

}  // namespace

PARITY(both_sides_are_told) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto path = in_a_folder();
  const auto server = co_await listen(theirs, path);
  say(server.is_serving(), server.sockets().size());
  co_await dial(ours, path);
  co_await until([&] { return theirs->made; });
  ours->transport.write("ping");
  co_await until([&] { return theirs->received != ""; });
  theirs->transport.write("pong");
  co_await until([&] { return ours->received != ""; });
  ours->transport.close();
  co_await until([&] { return theirs->lost; });
  server.close();
}

PARITY(the_names_of_both_ends) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto path = in_a_folder();
  const auto server = co_await listen(theirs, path);
  co_await dial(ours, path);
  co_await until([&] { return theirs->made; });
  say(ours->transport.get_extra_info("peername") == at(path));
  say(theirs->transport.get_extra_info("sockname") == at(path));
  say(server.sockets()[0].getsockname() == at(path));
  server.close();
}

PARITY(nobody_has_ever_listened) {
  const auto ours = recorder();
  co_await outcome("dial", dial(ours, in_a_folder()));
  say(ours->made);
}

PARITY(nobody_listens_any_more) {
  const auto ours = recorder();
  const auto path = in_a_folder();
  const auto server = co_await listen(recorder("theirs"), path);
  server.close();
  say("still there", std::filesystem::exists(path));
  co_await outcome("dial", dial(ours, path));
  say(ours->made);
}

PARITY(what_an_earlier_server_left_is_replaced) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto path = in_a_folder();
  const auto first = co_await listen(recorder("first"), path);
  first.close();
  const auto server = co_await listen(theirs, path);
  co_await dial(ours, path);
  co_await until([&] { return theirs->made; });
  server.close();
}

PARITY(a_second_server_takes_the_path) {
  const auto first = recorder("first");
  const auto second = recorder("second");
  const auto path = in_a_folder();
  const auto server = co_await listen(first, path);
  const auto other = co_await listen(second, path);
  say(server.is_serving(), other.is_serving());
  connect_raw(path);
  co_await until([&] { return second->made; });
  server.close();
  other.close();
}

PARITY(what_is_no_socket_is_not_replaced) {
  const auto path = in_a_folder();
  std::ofstream(path).close();
  co_await outcome("listen", listen(recorder(), path));
  say("still there", std::filesystem::exists(path));
}

PARITY(a_folder_that_is_not_there) {
  const auto path = in_a_folder("no folder/socket");
  co_await outcome("listen", listen(recorder(), path));
  co_await outcome("dial", dial(recorder(), path));
}

PARITY(a_path_that_is_too_long) {
  const auto path = in_a_folder(std::string(200, 'x'));
  co_await outcome("listen", listen(recorder(), path));
  co_await outcome("dial", dial(recorder(), path));
}

PARITY(not_yet_serving) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto path = in_a_folder();
  ServerOptions options;
  options.start_serving = false;
  const auto server = co_await listen(theirs, path, options);
  say(server.is_serving());
  co_await outcome("early", dial(ours, path));
  co_await server.start_serving();
  co_await outcome("later", dial(ours, path));
  co_await until([&] { return theirs->made; });
  server.close();
}

PARITY(half_closed_it_still_answers) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  theirs->keep_open = true;
  const auto path = in_a_folder();
  const auto server = co_await listen(theirs, path);
  co_await dial(ours, path);
  co_await until([&] { return theirs->made; });
  ours->transport.write("question");
  ours->transport.write_eof();
  co_await until([&] { return theirs->ended; });
  theirs->transport.write("answer");
  theirs->transport.close();
  co_await until([&] { return ours->lost; });
  server.close();
}

PARITY(what_is_kept_is_sent_before_the_end) {
  const auto theirs = recorder("theirs");
  const auto path = in_a_folder();
  const auto server = co_await listen(theirs, path);
  Peer peer = connect_raw(path);
  co_await until([&] { return theirs->made; });
  theirs->transport.write(BIG);
  theirs->transport.close();
  co_await settle();
  say(theirs->lost);
  const auto text = co_await until_end(peer);
  say(text.size() == BIG.size());
  server.close();
}

PARITY(the_peer_ends_without_reading) {
  const auto theirs = recorder("theirs");
  const auto path = in_a_folder();
  const auto server = co_await listen(theirs, path);
  Peer peer = connect_raw(path);
  co_await until([&] { return theirs->made; });
  theirs->transport.write("never read");
  peer.close();
  co_await until([&] { return theirs->lost; });
  server.close();
}

PARITY(the_server_is_closed_with_a_connection) {
  const auto theirs = recorder("theirs");
  const auto path = in_a_folder();
  const auto server = co_await listen(theirs, path);
  Peer peer = connect_raw(path);
  co_await until([&] { return theirs->made; });
  const auto waits = create_task(outcome("wait", server.wait_closed()));
  co_await settle();
  server.close();
  peer.send("still here");
  co_await until([&] { return theirs->received != ""; });
  peer.close();
  co_await waits;
}

PARITY(serve_forever_is_cancelled) {
  const auto path = in_a_folder();
  const auto server = co_await listen(recorder(), path);
  const auto serves = create_task(outcome("serve", server.serve_forever()));
  co_await settle();
  serves.cancel();
  co_await serves;
  say(server.is_serving(), std::filesystem::exists(path));
}

PARITY(connecting_is_cancelled) {
  const auto theirs = recorder("theirs");
  const auto ours = recorder();
  const auto path = in_a_folder();
  const auto server = co_await listen(theirs, path);
  const auto dials = create_task(outcome("dial", dial(ours, path)));
  co_await sleep(0s);
  dials.cancel();
  co_await dials;
  co_await until([&] { return theirs->lost; });
  server.close();
}
