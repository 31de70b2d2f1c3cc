#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>

#include "recorder.hpp"

namespace test_pipes {

using namespace test_transports;

struct Pipe {
  Pipe() {
    int fds[2];
    REQUIRE(::pipe(fds) == 0);
    read_end = fds[0];
    write_end = fds[1];
    set_nonblocking(read_end);
    set_nonblocking(write_end);
    protocol = std::make_shared<Recorder>(log);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close(read_end);
    close(write_end);
  }

  void connect_reader() {
    const auto factory = [this] { return protocol; };
    Socket pipe(std::exchange(read_end, -1), loop);
    loop.run_until_complete(connect_read_pipe(factory, std::move(pipe)));
  }

  void connect_writer() {
    const auto factory = [this] { return protocol; };
    Socket pipe(std::exchange(write_end, -1), loop);
    loop.run_until_complete(connect_write_pipe(factory, std::move(pipe)));
  }

  static void close(int& fd) {
    if (fd >= 0) {
      ::close(std::exchange(fd, -1));
    }
  }

  std::size_t read_all() {
    std::size_t all = 0;
    char buffer[64 * 1024];
    long count = 0;
    while ((count = ::read(read_end, buffer, sizeof buffer)) > 0) {
      all += static_cast<std::size_t>(count);
    }
    return all;
  }

  Lines log;
  Loop loop;
  int read_end = -1;
  int write_end = -1;
  std::shared_ptr<Recorder> protocol;
};

TEST_CASE("pipes: one end is read") {
  Pipe pipe;
  // To go on after the end makes no sense here.
  pipe.protocol->keep_open = true;
  pipe.connect_reader();
  CHECK(::write(pipe.write_end, "Hello", 5) == 5);
  pipe.loop.run_once();
  CHECK(pipe.log == Lines{"made", "data Hello"});
  Pipe::close(pipe.write_end);
  pipe.loop.run_until_idle();
  CHECK(pipe.log == Lines{"made", "data Hello", "eof", "lost None"});
}

TEST_CASE("pipes: what is typed at a terminal ends nothing") {
  const int keyboard = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(::grantpt(keyboard) == 0);
  REQUIRE(::unlockpt(keyboard) == 0);
  Pipe pipe;
  Pipe::close(pipe.write_end);
  pipe.write_end = ::open(::ptsname(keyboard), O_RDWR | O_NOCTTY);
  pollfd typed = {pipe.write_end, POLLIN, 0};
  pipe.connect_writer();
  CHECK(::write(keyboard, "typed\n", 6) == 6);
  // It takes its time.
  CHECK(::poll(&typed, 1, 5000) == 1);
  for (int i = 0; i < 3; ++i) {
    pipe.loop.call_soon([] {});
    pipe.loop.run_once();
  }
  CHECK(pipe.log == Lines{"made"});
  pipe.protocol->transport.close();
  pipe.loop.run_until_idle();
  CHECK(pipe.log == Lines{"made", "lost None"});
  ::close(keyboard);
}

TEST_CASE("pipes: and not written to") {
  Pipe pipe;
  pipe.connect_reader();
  const Transport transport = pipe.protocol->transport;
  CHECK_FALSE(transport.can_write_eof());
  CHECK_THROWS_WITH_AS(transport.write("x"),
                       "a pipe for reading cannot be written to",
                       std::logic_error);
  CHECK_THROWS_AS(transport.write_eof(), std::logic_error);
  transport.close();
  pipe.loop.run_until_idle();
  CHECK(pipe.log == Lines{"made", "lost None"});
}

TEST_CASE("pipes: the other end is written to, and keeps what is too much") {
  Pipe pipe;
  pipe.connect_writer();
  const Transport transport = pipe.protocol->transport;
  const std::string large(1024 * 1024, 'x');
  transport.write(large);
  CHECK(pipe.log == Lines{"made", "pause"});
  CHECK(transport.can_write_eof());
  transport.write_eof();
  // Nothing comes after the end.
  transport.write("x");
  std::size_t all = 0;
  while (pipe.log.back() != "lost None") {
    all += pipe.read_all();
    pipe.loop.run_once();
  }
  CHECK(all + pipe.read_all() == large.size());
  CHECK(pipe.log == Lines{"made", "pause", "resume", "lost None"});
}

TEST_CASE("pipes: nobody reads any more") {
  for (const bool keeps : {false, true}) {
    Pipe pipe;
    pipe.connect_writer();
    if (keeps) {
      pipe.protocol->transport.write(std::string(1024 * 1024, 'x'));
    }
    Pipe::close(pipe.read_end);
    pipe.loop.run_until_idle();
    CHECK(pipe.log.back() == (keeps ? "lost write: Broken pipe" : "lost None"));
  }
}

TEST_CASE("pipes: a device is written to, and its end not waited for") {
  Pipe pipe;
  Pipe::close(pipe.write_end);
  pipe.write_end = ::open("/dev/null", O_WRONLY);
  pipe.loop.set_exception_handler(
      [&pipe](const std::string& message, std::exception_ptr) {
        pipe.log.push_back(message);
      });
  pipe.connect_writer();
  CHECK_FALSE(pipe.protocol->transport.is_reading());
  pipe.protocol->transport.write("Hello");
  pipe.protocol->transport.close();
  pipe.loop.run_until_idle();
  CHECK(pipe.log == Lines{"made", "lost None"});
}

TEST_CASE("pipes: a file is no pipe") {
  const TemporaryFile file;
  Lines log;
  Loop loop;
  const auto factory = [&log] { return std::make_shared<Recorder>(log); };
  Socket reads(::open(file.path().c_str(), O_RDONLY), loop);
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(connect_read_pipe(factory, std::move(reads))),
      "Pipe transport is for pipes/sockets only.", std::invalid_argument);
  Socket writes(::open(file.path().c_str(), O_WRONLY), loop);
  CHECK_THROWS_WITH_AS(
      loop.run_until_complete(connect_write_pipe(factory, std::move(writes))),
      "Pipe transport is only for pipes, sockets and character devices",
      std::invalid_argument);
}

}  // namespace test_pipes
