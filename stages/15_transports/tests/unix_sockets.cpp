#include "recorder.hpp"

namespace test_unix_sockets {

using namespace test_transports;

TEST_CASE("unix_sockets: a server and a client at a path") {
  const TemporaryFile file;
  const std::string path = file.path() + ".socket";
  Lines log;
  Lines clients;
  EventLoop loop;
  const auto main = [&]() -> Coroutine<> {
    const auto factory = [&log] { return std::make_shared<Recorder>(log); };
    const Server server = co_await create_unix_server(factory, path);
    CHECK(to_string(server.sockets()[0].getsockname()) == "'" + path + "'");
    const auto client = [&] { return std::make_shared<Recorder>(clients); };
    const auto [transport, protocol] =
        co_await create_unix_connection(client, path);
    CHECK(to_string(transport.get_extra_info("peername")) ==
          "'" + path + "'");
    transport.write("Hello");
    transport.close();
    co_await server.wait_closed();
  };
  const auto task = create_task(main(), loop);
  task.base().log_destroy_pending = false;
  while (log.size() < 4) {
    loop.run_once();
  }
  CHECK(log == Lines{"made", "data Hello", "eof", "lost None"});
  loop.close();
  ::unlink(path.c_str());
}

TEST_CASE("unix_sockets: what an earlier server has left is replaced") {
  const TemporaryFile file;
  const std::string path = file.path() + ".socket";
  Lines log;
  const auto factory = [&log] { return std::make_shared<Recorder>(log); };
  for (int i = 0; i < 2; ++i) {
    EventLoop loop;
    loop.run_until_complete(create_unix_server(factory, path));
  }
  ::unlink(path.c_str());
}

TEST_CASE("unix_sockets: but no other file, and errors name the path") {
  const TemporaryFile file;
  Lines log;
  EventLoop loop;
  const auto factory = [&log] { return std::make_shared<Recorder>(log); };
  const std::string message = "error while attempting to bind on address '" +
                              file.path() + "': Address already in use";
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(create_unix_server(factory, file.path())),
      message.c_str(), std::system_error);
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(
          create_unix_connection(factory, std::string(200, 'x'))),
      "AF_UNIX path too long: File name too long", std::system_error);
  const std::string nobody = "Connect call failed '" + file.path() +
                             ".no': No such file or directory";
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(
          create_unix_connection(factory, file.path() + ".no")),
      nobody.c_str(), std::system_error);
}

}  // namespace test_unix_sockets
