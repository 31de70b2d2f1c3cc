#include <netinet/in.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstring>

#include "recorder.hpp"

namespace test_server {

using namespace test_transports;

/// A server of recorders, a blocking client, and what was reported.
struct Fixture {
  Fixture() {
    loop.set_exception_handler(
        [this](const std::string& message, std::exception_ptr exception) {
          log.push_back(message +
                        (exception ? ": " + describe(exception) : ""));
        });
  }

  Server listen(ServerOptions options = ServerOptions()) {
    const auto factory = [this] { return std::make_shared<Recorder>(log); };
    return loop.run_until_complete(
        create_server(factory, "127.0.0.1", 0, options));
  }

  static int connect(const Server& server) {
    const auto address = server.sockets().at(0).getsockname();
    return connect_to("127.0.0.1", port_of(address));
  }

  /// Some rounds: who was let in would have been told.
  void run_a_little() {
    for (int i = 0; i < 5; ++i) {
      loop.call_soon([] {});
      loop.run_once();
    }
  }

  void run_until(std::size_t lines) {
    while (log.size() < lines) {
      loop.run_once();
    }
  }

  Lines log;
  EventLoop loop;
};

TEST_CASE("server: a protocol for each connection") {
  Fixture fixture;
  const Server server = fixture.listen();
  CHECK(server.is_serving());
  const int one = Fixture::connect(server);
  const int two = Fixture::connect(server);
  fixture.run_until(2);
  CHECK(fixture.log == Lines{"made", "made"});
  ::close(one);
  fixture.run_until(4);
  CHECK(fixture.log == Lines{"made", "made", "eof", "lost None"});
  ::close(two);
}

TEST_CASE("server: close() leaves the connections") {
  Fixture fixture;
  const Server server = fixture.listen();
  const auto address = server.sockets().at(0).getsockname();
  const int client = Fixture::connect(server);
  fixture.run_until(1);
  const TransportSocket sock = server.sockets().at(0);
  CHECK(sock.fileno() >= 0);
  server.close();
  server.close();
  CHECK_FALSE(server.is_serving());
  CHECK(server.sockets().empty());
  CHECK(sock.fileno() == -1);
  CHECK_THROWS_AS(connect_to("127.0.0.1", port_of(address)),
                  std::system_error);
  CHECK(::send(client, "Hello", 5, 0) == 5);
  fixture.run_until(2);
  CHECK(fixture.log == Lines{"made", "data Hello"});
  CHECK_THROWS_WITH_AS(
      fixture.loop.run_until_complete(server.start_serving()),
      "server is closed", std::runtime_error);
  CHECK_THROWS_WITH_AS(
      fixture.loop.run_until_complete(server.serve_forever()),
      "server is closed", std::runtime_error);
  ::close(client);
}

TEST_CASE("server: a connection that comes as it closes is dropped") {
  Fixture fixture;
  const Server server = fixture.listen();
  const int client = Fixture::connect(server);
  // Accepts, and no more than that.
  fixture.loop.run_once();
  server.close();
  fixture.run_a_little();
  CHECK(fixture.log.empty());
  char byte = 0;
  CHECK(::recv(client, &byte, 1, 0) == 0);
  ::close(client);
}

TEST_CASE("server: wait_closed() waits for the last connection") {
  Fixture fixture;
  const Server server = fixture.listen();
  const auto closed = create_task(server.wait_closed(), fixture.loop);
  const int client = Fixture::connect(server);
  fixture.run_until(1);
  server.close();
  fixture.loop.run_once();
  CHECK_FALSE(closed.done());
  ::close(client);
  fixture.loop.run_until_complete(closed);
  CHECK(fixture.log == Lines{"made", "eof", "lost None"});
  // As in 3.11, at once when it is closed.
  fixture.loop.run_until_complete(server.wait_closed());
}

TEST_CASE("server: without connections wait_closed() ends with close()") {
  Fixture fixture;
  const Server server = fixture.listen();
  const auto closed = create_task(server.wait_closed(), fixture.loop);
  fixture.loop.run_once();
  server.close();
  fixture.loop.run_until_complete(closed);
}

TEST_CASE("server: start_serving() later") {
  Fixture fixture;
  ServerOptions options;
  options.start_serving = false;
  const Server server = fixture.listen(options);
  CHECK_FALSE(server.is_serving());
  CHECK_THROWS_AS(Fixture::connect(server), std::system_error);
  fixture.loop.run_until_complete(server.start_serving());
  fixture.loop.run_until_complete(server.start_serving());
  CHECK(server.is_serving());
  const int client = Fixture::connect(server);
  fixture.run_until(1);
  ::close(client);
}

TEST_CASE("server: serve_forever() ends when it is closed or cancelled") {
  for (const bool cancelled : {false, true}) {
    Fixture fixture;
    ServerOptions options;
    options.start_serving = false;
    const Server server = fixture.listen(options);
    const auto serving = create_task(server.serve_forever(), fixture.loop);
    fixture.loop.run_once();
    CHECK(server.is_serving());
    CHECK_THROWS_WITH_AS(
        fixture.loop.run_until_complete(server.serve_forever()),
        "server is already being awaited on serve_forever()",
        std::runtime_error);
    if (cancelled) {
      serving.cancel();
    } else {
      server.close();
    }
    CHECK_THROWS_AS(fixture.loop.run_until_complete(serving), CancelledError);
    CHECK_FALSE(server.is_serving());
    CHECK(server.sockets().empty());
  }
}

TEST_CASE("server: a factory that throws ends that connection only") {
  Fixture fixture;
  int calls = 0;
  const auto factory = [&]() -> std::shared_ptr<Protocol> {
    if (++calls == 1) {
      throw std::runtime_error("no protocol");
    }
    return std::make_shared<Recorder>(fixture.log);
  };
  const Server server = fixture.loop.run_until_complete(
      create_server(factory, "127.0.0.1", 0));
  const int one = Fixture::connect(server);
  fixture.run_until(1);
  char byte = 0;
  CHECK(::recv(one, &byte, 1, 0) == 0);
  const int two = Fixture::connect(server);
  fixture.run_until(2);
  CHECK(fixture.log ==
        Lines{"Error on transport creation for incoming connection: "
              "no protocol",
              "made"});
  ::close(one);
  ::close(two);
}

TEST_CASE("server: a factory that closes it lets nobody in") {
  Fixture fixture;
  std::optional<Server> server;
  const auto factory = [&] {
    server->close();
    fixture.log.push_back("asked");
    return std::make_shared<Recorder>(fixture.log);
  };
  server = fixture.loop.run_until_complete(
      create_server(factory, "127.0.0.1", 0));
  const int client = Fixture::connect(*server);
  fixture.run_a_little();
  CHECK(fixture.log == Lines{"asked"});
  char byte = 0;
  CHECK(::recv(client, &byte, 1, 0) == 0);
  ::close(client);
}

TEST_CASE("server: closed, it lets go of its factory, which may keep it") {
  Fixture fixture;
  std::weak_ptr<std::optional<Server>> seen;
  {
    const auto kept = std::make_shared<std::optional<Server>>();
    seen = kept;
    const auto factory = [&fixture, kept] {
      return std::make_shared<Recorder>(fixture.log);
    };
    *kept = fixture.loop.run_until_complete(
        create_server(factory, "127.0.0.1", 0));
    (*kept)->close();
  }
  CHECK(seen.expired());
}

TEST_CASE("server: a factory that throws what is no std::exception") {
  Fixture fixture;
  fixture.loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) {
        fixture.log.push_back(message);
      });
  const auto factory = []() -> std::shared_ptr<Protocol> { throw 42; };
  const Server server = fixture.loop.run_until_complete(
      create_server(factory, "127.0.0.1", 0));
  const int client = Fixture::connect(server);
  fixture.run_until(1);
  CHECK(fixture.log == Lines{"Task exception was never retrieved"});
  ::close(client);
}

TEST_CASE("server: Ctrl-C in a factory ends the run") {
  Fixture fixture;
  const auto factory = []() -> std::shared_ptr<Protocol> {
    throw KeyboardInterrupt();
  };
  const Server server = fixture.loop.run_until_complete(
      create_server(factory, "127.0.0.1", 0));
  const int client = Fixture::connect(server);
  CHECK_THROWS_AS(fixture.loop.run_forever(), KeyboardInterrupt);
  ::close(client);
}

/// No descriptor is free while this lives.
struct OutOfDescriptors {
  OutOfDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit fewer = before;
    fewer.rlim_cur = static_cast<rlim_t>(open_descriptors());
    ::setrlimit(RLIMIT_NOFILE, &fewer);
    int fd = 0;
    while ((fd = ::dup(0)) >= 0) {
      taken.push_back(fd);
    }
  }
  OutOfDescriptors(const OutOfDescriptors&) = delete;
  OutOfDescriptors& operator=(const OutOfDescriptors&) = delete;
  ~OutOfDescriptors() {
    for (const int fd : taken) {
      ::close(fd);
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
  }
  rlimit before = {};
  std::vector<int> taken;
};

TEST_CASE("server: out of descriptors it pauses, and tries again") {
  Fixture fixture;
  fixture.loop.use_virtual_clock();
  const Server server = fixture.listen();
  const int client = Fixture::connect(server);
  {
    const OutOfDescriptors none;
    fixture.run_until(1);
    const int listener = server.sockets()[0].fileno();
    CHECK_FALSE(fixture.loop.is_watched(listener, EVENT_READ));
  }
  CHECK(fixture.log ==
        Lines{"socket.accept() out of system resource: "
              "accept: Too many open files"});
  fixture.run_until(2);
  CHECK(fixture.loop.time() == 1s);
  CHECK(fixture.log.back() == "made");
  ::close(client);
}

TEST_CASE("server: closed while it pauses, it does not come back") {
  Fixture fixture;
  fixture.loop.use_virtual_clock();
  std::optional<Server> server = fixture.listen();
  const int client = Fixture::connect(*server);
  fixture.loop.set_exception_handler(
      [&](const std::string&, std::exception_ptr) {
        fixture.log.push_back("closed");
        server->close();
        server.reset();
      });
  {
    const OutOfDescriptors none;
    fixture.run_until(1);
  }
  fixture.loop.run_until_idle();
  CHECK(fixture.log == Lines{"closed"});
  CHECK(fixture.loop.time() == 0s);
  ::close(client);
}

TEST_CASE("server: a backlog of none lets them in, too") {
  Fixture fixture;
  ServerOptions options;
  options.backlog = 0;
  const Server server = fixture.listen(options);
  const int client = Fixture::connect(server);
  fixture.run_a_little();
  CHECK(fixture.log == Lines{"made"});
  ::close(client);
}

TEST_CASE("server: without a descriptor there is none") {
  Fixture fixture;
  const auto factory = [&] { return std::make_shared<Recorder>(fixture.log); };
  const OutOfDescriptors none;
  CHECK_THROWS_WITH_AS(fixture.listen(), "socket: Too many open files",
                       std::system_error);
  CHECK_THROWS_WITH_AS(
      fixture.loop.run_until_complete(create_unix_server(factory, "none")),
      "socket: Too many open files", std::system_error);
}

TEST_CASE("server: on several hosts, each address once") {
  Fixture fixture;
  const auto factory = [&] { return std::make_shared<Recorder>(fixture.log); };
  const std::vector<std::string> hosts = {"127.0.0.1", "127.0.0.2"};
  const Server both = fixture.loop.run_until_complete(
      create_server(factory, hosts, 0));
  REQUIRE(both.sockets().size() == 2);
  CHECK(to_string(both.sockets()[1].getsockname()).find("127.0.0.2") == 2);
  const std::vector<std::string> same = {"127.0.0.1", "127.0.0.1"};
  const Server one = fixture.loop.run_until_complete(
      create_server(factory, same, 0));
  CHECK(one.sockets().size() == 1);
}

TEST_CASE("server: an address that is taken") {
  Fixture fixture;
  const Server server = fixture.listen();
  const auto address = server.sockets()[0].getsockname();
  const int port = port_of(address);
  const auto factory = [&] { return std::make_shared<Recorder>(fixture.log); };
  const std::string message =
      "error while attempting to bind on address ('127.0.0.1', " +
      std::to_string(port) + "): Address already in use";
  CHECK_THROWS_WITH_AS(
      fixture.loop.run_until_complete(
          create_server(factory, "127.0.0.1", port)),
      message.c_str(), std::system_error);
}

TEST_CASE("server: the error is bind's, not of the words for it") {
  sockaddr_in6 ipv6 = {};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_addr.s6_addr[0] = 0xfe;
  ipv6.sin6_addr.s6_addr[1] = 0x80;
  // No interface has that number, nor a name.
  ipv6.sin6_scope_id = 999999;
  SocketAddress address;
  std::memcpy(&address.storage, &ipv6, sizeof ipv6);
  address.size = sizeof ipv6;
  const int fd = ::socket(AF_INET6, SOCK_STREAM, 0);
  const int error = ::bind(fd, address.get(), address.size) < 0 ? errno : 0;
  try {
    bind_to(fd, address);
  } catch (const std::system_error& told) {
    CHECK(told.code().value() == error);
  }
  ::close(fd);
}

TEST_CASE("server: nobody listens there") {
  Fixture fixture;
  const Server server = fixture.listen();
  const int port = port_of(server.sockets()[0].getsockname());
  server.close();
  const auto factory = [&] { return std::make_shared<Recorder>(fixture.log); };
  CHECK_THROWS_AS(fixture.loop.run_until_complete(
                      create_connection(factory, "127.0.0.1", port)),
                  std::system_error);
  CHECK(fixture.log.empty());
}

TEST_CASE("server: lost with its loop") {
  const int before = open_descriptors();
  {
    Fixture fixture;
    const Server server = fixture.listen();
    const auto waits = create_task(server.wait_closed(), fixture.loop);
    waits.base().log_destroy_pending = false;
    const int client = Fixture::connect(server);
    fixture.run_until(1);
    fixture.loop.close();
    CHECK_FALSE(server.is_serving());
    server.close();
    ::close(client);
  }
  CHECK(open_descriptors() == before);
}

}  // namespace test_server
