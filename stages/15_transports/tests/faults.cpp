#include <dlfcn.h>

#include <deque>
#include <map>
#include <random>

#include "recorder.hpp"

namespace test_faults {

/// What the next calls of that name do: fail with an error, what they always
/// do (0), or that with fewer bytes (-1: one byte).
static thread_local std::map<std::string, std::deque<int>> planned;
/// If there is one, any call may do any of it.
static thread_local std::minstd_rand* chaos = nullptr;

static int at_random() {
  switch ((*chaos)() % 4) {
    case 0:
      return EINTR;
    case 1:
      return EAGAIN;
    case 2:
      return -1 - static_cast<int>((*chaos)() % 1000);
    default:
      return 0;
  }
}

static int fault(const char* call) {
  if (chaos) {
    return at_random();
  }
  auto& plan = planned[call];
  if (plan.empty()) {
    return 0;
  }
  const int next = plan.front();
  plan.pop_front();
  return next;
}

/// Calls `system` with `size`, unless something else is planned.
template <class System>
static ssize_t perhaps(const char* call, std::size_t size, System system) {
  const int what = fault(call);
  if (what > 0) {
    errno = what;
    return -1;
  }
  return system(what < 0 ? std::min(size, static_cast<std::size_t>(-what))
                         : size);
}

template <class Function>
static Function* found(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

}  // namespace test_faults

// These are found before the system's.
extern "C" ssize_t recv(int fd, void* buffer, std::size_t size, int flags) {
  static const auto system =
      test_faults::found<ssize_t(int, void*, std::size_t, int)>("recv");
  return test_faults::perhaps("recv", size, [&](std::size_t most) {
    return system(fd, buffer, most, flags);
  });
}

extern "C" ssize_t send(
    int fd,
    const void* data,
    std::size_t size,
    int flags
) {
  static const auto system =
      test_faults::found<ssize_t(int, const void*, std::size_t, int)>("send");
  return test_faults::perhaps("send", size, [&](std::size_t most) {
    return system(fd, data, most, flags);
  });
}

extern "C" int accept(int fd, sockaddr* address, socklen_t* size) {
  static const auto system =
      test_faults::found<int(int, sockaddr*, socklen_t*)>("accept");
  return static_cast<int>(test_faults::perhaps("accept", 0, [&](std::size_t) {
    return system(fd, address, size);
  }));
}

extern "C" int connect(int fd, const sockaddr* address, socklen_t size) {
  static const auto system =
      test_faults::found<int(int, const sockaddr*, socklen_t)>("connect");
  return static_cast<int>(test_faults::perhaps("connect", 0, [&](std::size_t) {
    return system(fd, address, size);
  }));
}

namespace test_faults {

using namespace test_transports;

/// Plans for one call, and takes back what is left of it.
struct Plan {
  Plan(const char* its_call, std::deque<int> faults) : call(its_call) {
    planned[call] = std::move(faults);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() { planned[call].clear(); }

  bool over() const { return planned[call].empty(); }

  const char* call;
};

std::string text_of(int error) {
  return std::generic_category().message(error);
}

TEST_CASE("faults: recv is interrupted, has nothing after all, gives little") {
  Wire<> wire;
  wire.send("Hello");
  const Plan plan("recv", {EINTR, EAGAIN, -1, EINTR, -2});
  wire.settle();
  CHECK(plan.over());
  CHECK(wire.log == Lines{"made", "data H", "data el", "data lo"});
}

TEST_CASE("faults: recv that fails ends the connection") {
  for (const int error : {ECONNRESET, ETIMEDOUT, ENOBUFS, EBADF}) {
    Wire<> wire;
    wire.send("Hello");
    const Plan plan("recv", {error});
    wire.settle();
    CHECK(wire.log == Lines{"made", "lost recv: " + text_of(error)});
    CHECK(wire.transport.is_closing());
  }
}

TEST_CASE("faults: send is interrupted, takes nothing, takes little") {
  Wire<> wire;
  const Plan plan("send", {EINTR, EAGAIN, -1, EINTR, -2, -1});
  wire.transport.write("Hello");
  CHECK(wire.transport.get_write_buffer_size() == 5);
  wire.transport.write(" you");
  wire.transport.write_eof();
  wire.settle();
  CHECK(plan.over());
  CHECK(wire.received() == "Hello you");
  CHECK(wire.transport.get_write_buffer_size() == 0);
  CHECK(wire.log == Lines{"made"});
}

TEST_CASE("faults: send that fails ends the connection, at once or later") {
  for (const int error : {EPIPE, ECONNRESET, ENOBUFS, ETIMEDOUT}) {
    for (const bool later : {false, true}) {
      Wire<> wire;
      Plan plan("send", {error});
      if (later) {
        planned["send"].push_front(EAGAIN);
      }
      wire.transport.write("Hello");
      CHECK(wire.transport.is_closing() == !later);
      // Not in the middle of write().
      CHECK(wire.log == Lines{"made"});
      wire.settle();
      CHECK(wire.log == Lines{"made", "lost send: " + text_of(error)});
      CHECK(wire.transport.get_write_buffer_size() == 0);
    }
  }
}

TEST_CASE("faults: close() sends the rest byte by byte") {
  Wire<> wire;
  const Plan plan("send", {-1, -1, EINTR, -1, EAGAIN, -1, -1});
  wire.transport.write("Hello");
  wire.transport.close();
  wire.settle();
  CHECK(wire.received() == "Hello");
  CHECK(wire.log == Lines{"made", "lost None"});
}

/// A server whose connections are counted.
struct Serving {
  Serving() {
    loop.set_exception_handler(
        [this](const std::string& message, std::exception_ptr exception) {
          log.push_back(message + ": " + describe(exception));
        });
  }

  Server listen() {
    const auto factory = [this] { return std::make_shared<Recorder>(log); };
    return loop.run_until_complete(create_server(factory, "127.0.0.1", 0));
  }

  void run_a_little() {
    for (int i = 0; i < 20; ++i) {
      loop.call_soon([] {});
      loop.run_once();
    }
  }

  Lines log;
  Loop loop;
};

TEST_CASE("faults: accept goes on after what concerns one connection only") {
  Serving serving;
  const Server server = serving.listen();
  const int client =
      connect_to("127.0.0.1", port_of(server.sockets()[0].getsockname()));
  const Plan plan("accept", {EINTR, EAGAIN, ECONNABORTED});
  serving.run_a_little();
  CHECK(plan.over());
  CHECK(serving.log == Lines{"made"});
  ::close(client);
}

TEST_CASE("faults: accept without resources pauses for a second") {
  for (const int error : {EMFILE, ENFILE, ENOBUFS, ENOMEM}) {
    Serving serving;
    const Server server = serving.listen();
    const int client =
        connect_to("127.0.0.1", port_of(server.sockets()[0].getsockname()));
    const Plan plan("accept", {error});
    const std::string message =
        "socket.accept() out of system resource: accept: " + text_of(error);
    serving.loop.run_once();
    CHECK(serving.log == Lines{message});
    while (serving.log.size() == 1) {
      serving.loop.run_once();
    }
    CHECK(serving.loop.time() == 1s);
    CHECK(serving.log == Lines{message, "made"});
    ::close(client);
  }
}

TEST_CASE("faults: accept that fails otherwise is reported, and tried again") {
  Serving serving;
  const Server server = serving.listen();
  const int client =
      connect_to("127.0.0.1", port_of(server.sockets()[0].getsockname()));
  const Plan plan("accept", {EPERM});
  serving.run_a_little();
  CHECK(serving.log == Lines{"Exception in callback: accept: " +
                                 text_of(EPERM),
                             "made"});
  CHECK(server.is_serving());
  ::close(client);
}

TEST_CASE("faults: connect that is interrupted goes on in the background") {
  Serving serving;
  const Server server = serving.listen();
  const int port = port_of(server.sockets()[0].getsockname());
  // As the system does it: the connection is under way.
  const int fd = tcp_socket(AF_INET);
  const SocketAddress address = first_address(AF_INET, "127.0.0.1", port);
  const auto main = [&]() -> Coroutine<> {
    Socket sock(fd);
    ::connect(fd, address.get(), address.size);
    planned["connect"] = {EINTR};
    co_await sock_connect(sock, address);
    const auto factory = [&] {
      return std::make_shared<Recorder>(serving.log);
    };
    const auto [transport, protocol] =
        co_await create_connection(factory, std::move(sock));
    transport.close();
  };
  serving.loop.run_until_complete(main());
  CHECK(planned["connect"].empty());
  serving.run_a_little();
  CHECK(std::count(serving.log.begin(), serving.log.end(), "made") == 2);
}

TEST_CASE("faults: connect that fails goes to the next address") {
  if (!has_localhost()) {
    return;
  }
  for (const int error : {ECONNREFUSED, ENETUNREACH, EADDRNOTAVAIL, EAGAIN}) {
    Serving serving;
    const Server server = serving.listen();
    const int port = port_of(server.sockets()[0].getsockname());
    const auto info = look_up("127.0.0.1", port, 0, SOCK_STREAM)[0];
    const Plan plan("connect", {error});
    const Socket sock = serving.loop.run_until_complete(
        connect_any({info, info}, {}));
    CHECK(peername_of(sock) == info.address);
    const Plan both("connect", {error, error});
    const std::string message =
        "Connect call failed " + to_string(info.address) + ": " +
        text_of(error);
    CHECK_THROWS_WITH_AS(
        serving.loop.run_until_complete(connect_any({info, info}, {})),
        message.c_str(), std::system_error);
  }
}

/// Sends back what it gets, and ends when the other side does.
struct Echo : Recorder {
  using Recorder::Recorder;
  void data_received(std::string_view data) override { transport.write(data); }
};

struct Client : Recorder {
  using Recorder::Recorder;
  void data_received(std::string_view data) override { answer += data; }
  std::string answer;
};

TEST_CASE("faults: whatever happens, each byte arrives once") {
  std::string text;
  for (int i = 0; text.size() < 200 * 1000; ++i) {
    text += std::to_string(i) + " ";
  }
  for (unsigned seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::minstd_rand random(seed);
    const auto [here, there] = stream_pair();
    Lines log;
    Loop loop;
    const auto echo = std::make_shared<Echo>(log);
    const auto client = std::make_shared<Client>(log);
    loop.run_until_complete(create_connection([&] { return echo; },
                                              Socket(here, loop)));
    loop.run_until_complete(create_connection([&] { return client; },
                                              Socket(there, loop)));
    chaos = &random;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min<std::size_t>(random() % 20000,
                                                     text.size() - at);
      client->transport.write(std::string_view(text).substr(at, size));
      at += size;
      loop.call_soon([] {});
      loop.run_once();
    }
    client->transport.write_eof();
    loop.run_until_idle();
    chaos = nullptr;
    CHECK((client->answer == text));
    CHECK(std::count(log.begin(), log.end(), "eof") == 2);
    CHECK(std::count(log.begin(), log.end(), "lost None") == 2);
  }
}

}  // namespace test_faults
