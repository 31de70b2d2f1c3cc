#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "socket_pair.hpp"

namespace test_abandoning {

using namespace asyncio;
using Log = std::vector<std::string>;

struct Witness {
  Log* log;
  const char* name;
  Witness(Log* its_log, const char* its_name) : log(its_log), name(its_name) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { log->push_back(name); }
};

Coroutine<> inner(Log* log, int fd) {
  const Witness witness(log, "inner");
  co_await wait_readable(fd);
  log->push_back("not reached");
}

Coroutine<> outer(Log* log, Socket socket) {
  const Witness witness(log, "outer");
  co_await inner(log, socket);
  log->push_back("not reached");
}

Coroutine<> clean_up(Log* log, int fd) {
  try {
    co_await wait_readable(fd);
  } catch (const std::exception&) {
    log->push_back("an ordinary exception");
  } catch (...) {
    log->push_back("closed");
    throw;
  }
}

/// Says when it is destroyed whether somebody still waits for `fd`.
struct Lookout {
  Log* log;
  EventLoop* loop;
  int fd;
  Lookout(Log* its_log, EventLoop* its_loop, int its_fd)
      : log(its_log), loop(its_loop), fd(its_fd) {}
  Lookout(const Lookout&) = delete;
  Lookout& operator=(const Lookout&) = delete;
  ~Lookout() {
    log->push_back(loop->is_watched(fd, EVENT_READ) ? "watched" : "free");
  }
};

Coroutine<> look_out(Log* log, EventLoop* loop, int fd) {
  const Lookout lookout(log, loop, fd);
  co_await wait_readable(fd);
}

/// Says when it is destroyed whether the loop is there.
struct Survivor {
  Log* log;
  std::shared_ptr<EventLoop*> loop;
  Survivor(Log* its_log, EventLoop& its_loop)
      : log(its_log), loop(its_loop.lifeline()) {}
  Survivor(const Survivor&) = delete;
  Survivor& operator=(const Survivor&) = delete;
  ~Survivor() { log->push_back(*loop ? "still there" : "gone"); }
};

Coroutine<> survive(Log* log, Socket socket) {
  const Survivor survivor(log, get_running_loop());
  co_await wait_readable(socket);
}

Coroutine<> write_for_ever(Log* log, Socket socket) {
  const Witness witness(log, "writer");
  while (true) {
    co_await sock_sendall(socket, std::string(100000, 'x'));
  }
}

Coroutine<> accept_for_ever(Socket listener) {
  while (true) {
    Socket client = co_await sock_accept(listener);
    create_task(sock_sendall(client, "hello"));
  }
}

Coroutine<> late(Log* log) {
  log->push_back("never");
  co_return;
}

/// Starts something at the worst of moments.
struct Starter {
  Log* log;
  EventLoop* loop;
  Starter(Log* its_log, EventLoop& its_loop) : log(its_log), loop(&its_loop) {}
  Starter(const Starter&) = delete;
  Starter& operator=(const Starter&) = delete;
  ~Starter() {
    create_task(late(log), *loop);
    loop->call_soon([log = log] { log->push_back("never either"); });
  }
};

Coroutine<> start_at_the_end(Log* log, EventLoop* loop, int fd) {
  const Starter starter(log, *loop);
  co_await wait_readable(fd);
}

TEST_CASE("abandoning: close() ends those who wait, innermost first") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(outer(&log, std::move(pair.left)), loop);
  loop.run_once();
  CHECK(log.empty());
  loop.close();
  CHECK(log == Log{"inner", "outer"});
}

TEST_CASE("abandoning: the sockets they own are closed") {
  const int before = open_descriptors();
  Log log;
  {
    EventLoop loop;
    SocketPair pair(loop);
    SocketPair other(loop);
    Socket listener(listen_on("127.0.0.1", 0), loop);
    create_task(outer(&log, std::move(pair.left)), loop);
    create_task(write_for_ever(&log, std::move(other.left)), loop);
    create_task(accept_for_ever(std::move(listener)), loop);
    loop.run_once();
  }
  CHECK(log.size() == 3);
  CHECK(open_descriptors() == before);
}

TEST_CASE("abandoning: no registration stays behind") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(inner(&log, pair.left), loop);
  create_task(clean_up(&log, pair.right), loop);
  loop.run_once();
  CHECK(loop.is_watched(pair.left, EVENT_READ));
  CHECK(loop.is_watched(pair.right, EVENT_READ));
  loop.close();
  CHECK_FALSE(loop.is_watched(pair.left, EVENT_READ));
  CHECK_FALSE(loop.is_watched(pair.right, EVENT_READ));
}

TEST_CASE("abandoning: it is gone before what they own is destroyed") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(look_out(&log, &loop, pair.left), loop);
  loop.run_once();
  loop.close();
  CHECK(log == Log{"free"});
}

TEST_CASE("abandoning: they notice, but it is no ordinary exception") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(clean_up(&log, pair.left), loop);
  loop.run_once();
  loop.close();
  CHECK(log == Log{"closed"});
}

TEST_CASE("abandoning: one that could go on, but has not been told yet") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(inner(&log, pair.left), loop);
  loop.run_once();
  REQUIRE(::send(pair.right, "x", 1, 0) == 1);
  loop.close();
  CHECK(log == Log{"inner"});
}

TEST_CASE("abandoning: one that has not begun") {
  Log log;
  const int before = open_descriptors();
  {
    EventLoop loop;
    SocketPair pair(loop);
    create_task(outer(&log, std::move(pair.left)), loop);
  }
  CHECK(log.empty());
  CHECK(open_descriptors() == before);
}

TEST_CASE("abandoning: what is begun by one that ends comes to nothing") {
  Log log;
  {
    EventLoop loop;
    SocketPair pair(loop);
    create_task(start_at_the_end(&log, &loop, pair.left), loop);
    loop.run_once();
  }
  CHECK(log.empty());
}

TEST_CASE("abandoning: stop() drops nobody") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(inner(&log, pair.left), loop);
  loop.call_soon([&] { loop.stop(); });
  loop.run_until_idle();
  CHECK(log.empty());
  CHECK(loop.is_watched(pair.left, EVENT_READ));
  REQUIRE(::send(pair.right, "x", 1, 0) == 1);
  loop.run_until_idle();
  CHECK(log == Log{"not reached", "inner"});
}

TEST_CASE("abandoning: a coroutine that nobody started") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  { Coroutine<> unused = inner(&log, pair.left); }
  CHECK(log.empty());
}

/// Says a name that is somebody else's, as it dies.
struct Says {
  Says(Log* its_log, std::string* its_name) : log(its_log), name(its_name) {}
  Says(const Says&) = delete;
  Says& operator=(const Says&) = delete;
  ~Says() { log->push_back(*name); }
  Log* log;
  std::string* name;
};

Coroutine<> child(Log* log, std::string* of_the_parent, int fd) {
  const Says says(log, of_the_parent);
  co_await wait_readable(fd);
}

Coroutine<> parent(Log* log, int fd, int other) {
  std::string name = "one with a name that is kept elsewhere";
  create_task(child(log, &name, fd));
  co_await wait_readable(other);
  name = "gone";
}

Coroutine<> ends_soon(int fd) { co_await wait_writable(fd); }

TEST_CASE("abandoning: the newest first, whoever has ended meanwhile") {
  Log log;
  const auto [here, there] = stream_pair();
  {
    EventLoop loop;
    const Socket owner(here, loop);
    const Socket other(there, loop);
    // These leave gaps, before and between the others.
    create_task(ends_soon(here), loop);
    create_task(parent(&log, here, there), loop);
    create_task(ends_soon(there), loop);
    for (int round = 0; round < 4; ++round) {
      loop.call_soon([] {});
      loop.run_once();
    }
  }
  CHECK(log == Log{"one with a name that is kept elsewhere"});
}

Coroutine<> waits_to_be_first(Log* log, std::string name, int fd) {
  const Says says(log, &name);
  if (fd >= 0) {
    co_await wait_readable(fd);
  }
}

TEST_CASE("abandoning: many that ended leave the order as it was") {
  Log log;
  Log expected;
  std::vector<Socket> sockets;
  {
    EventLoop loop;
    for (int i = 0; i < 40; ++i) {
      const bool stays = i % 3 == 0;
      int fd = -1;
      if (stays) {
        const auto [here, there] = stream_pair();
        sockets.emplace_back(here, loop);
        sockets.emplace_back(there, loop);
        fd = here;
        expected.insert(expected.begin(), std::to_string(i));
      }
      create_task(waits_to_be_first(&log, std::to_string(i), fd), loop);
    }
    loop.run_once();
    log.clear();
  }
  CHECK(log == expected);
}

struct Stubborn : Work {
  void abandon() override { throw std::runtime_error("no"); }
};

TEST_CASE("abandoning: a loop that cannot be closed to the end is closed") {
  EventLoop loop;
  loop.own(std::make_shared<Stubborn>());
  CHECK_THROWS_WITH_AS(loop.close(), "no", std::runtime_error);
  CHECK(loop.is_closed());
  CHECK_THROWS_AS(loop.call_soon([] {}), std::logic_error);
}

TEST_CASE("abandoning: the loop is there until all of them are gone") {
  Log log;
  std::shared_ptr<EventLoop*> lifeline;
  {
    EventLoop loop;
    lifeline = loop.lifeline();
    const auto [left, right] = stream_pair();
    const Socket other(right, loop);
    create_task(survive(&log, Socket(left, loop)), loop);
    loop.run_once();
  }
  CHECK(log == Log{"still there"});
  CHECK(*lifeline == nullptr);
}

}  // namespace test_abandoning
