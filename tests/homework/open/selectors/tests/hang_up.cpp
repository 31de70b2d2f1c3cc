#include <fcntl.h>

#include <optional>
#include <string>

#include "pair.hpp"

namespace test_ways {

/// A pipe: its ends hang up in their own way.
struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    out = ends[0];
    in = ends[1];
    set_nonblocking(out);
    set_nonblocking(in);
  }
  ~Pipe() {
    close(&in);
    close(&out);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  static void close(int* end) {
    if (*end >= 0) {
      ::close(*end);
      *end = -1;
    }
  }

  int in = -1;
  int out = -1;
};

TEST_CASE("hang_up: whoever reads hears that nobody writes any more") {
  in_each_loop([](EventLoop& loop) {
    Pipe pipe;
    int called = 0;
    loop.add_reader(pipe.out, [&] { ++called; });
    rounds(loop, 1);
    CHECK(called == 0);
    Pipe::close(&pipe.in);
    rounds(loop, 1);
    CHECK(called == 1);
    loop.forget(pipe.out);
  });
}

TEST_CASE("hang_up: whoever writes hears that nobody reads any more") {
  in_each_loop([](EventLoop& loop) {
    Pipe pipe;
    const std::string much(4096, 'x');
    while (::write(pipe.in, much.data(), much.size()) > 0) {
    }
    int called = 0;
    loop.add_writer(pipe.in, [&] { ++called; });
    rounds(loop, 1);
    CHECK(called == 0);
    Pipe::close(&pipe.out);
    rounds(loop, 1);
    CHECK(called == 1);
    loop.forget(pipe.in);
  });
}

TEST_CASE("hang_up: nobody hears what he did not ask for") {
  in_each_loop([](EventLoop& loop) {
    std::optional<Pair> pair;
    pair.emplace();
    const int here = ::dup(pair->here);
    int read = 0;
    int written = 0;
    loop.add_writer(here, [&] { ++written; });
    loop.add_reader(here, [&] { ++read; });
    loop.remove_writer(here);
    pair.reset();
    rounds(loop, 2);
    CHECK(read == 2);
    CHECK(written == 0);
    loop.forget(here);
    ::close(here);
  });
}

Coroutine<> connects(std::string* outcome, int port) {
  const Socket socket(tcp_socket(AF_INET));
  try {
    co_await sock_connect(socket, "127.0.0.1", port);
    *outcome = "connected";
  } catch (const std::system_error&) {
    *outcome = "refused";
  }
}

TEST_CASE("hang_up: a connection that is refused") {
  in_each_loop([](EventLoop& loop) {
    const int listener = listen_on("127.0.0.1", 0);
    const int port = port_of(listener);
    ::close(listener);
    std::string outcome;
    create_task(connects(&outcome, port), loop);
    bool too_late = false;
    loop.call_later(5s, [&] { too_late = true; });
    while (outcome.empty() && !too_late) {
      loop.run_once();
    }
    CHECK(outcome == "refused");
  });
}

}  // namespace test_ways
