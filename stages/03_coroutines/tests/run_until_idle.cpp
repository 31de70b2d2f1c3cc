#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"
#include "socket_pair.hpp"

namespace test_run_until_idle {

using namespace asyncio;
using Log = std::vector<std::string>;

Coroutine<> chain(Log* log, int left) {
  log->push_back(std::to_string(left));
  if (left > 0) {
    create_task(chain(log, left - 1));
  }
  co_return;
}

Coroutine<> read(Log* log, int fd) {
  co_await wait_readable(fd);
  log->push_back("read");
}

Coroutine<> stop_loop(Log* log) {
  log->push_back("stop");
  get_running_loop().stop();
  co_return;
}

Coroutine<> run_again(Log* log, EventLoop* loop) {
  try {
    loop->run_until_idle();
  } catch (const std::logic_error& error) {
    log->push_back("error");
  }
  co_return;
}

Coroutine<> which_loop(EventLoop** loop, int fd) {
  co_await wait_readable(fd);
  *loop = &get_running_loop();
}

TEST_CASE("run_until_idle: returns at once when there is nothing to do") {
  EventLoop loop;
  loop.run_until_idle();
  loop.run_until_idle();
}

TEST_CASE("run_until_idle: waits for those that were started meanwhile") {
  Log log;
  EventLoop loop;
  create_task(chain(&log, 3), loop);
  loop.run_until_idle();
  CHECK(log == Log{"3", "2", "1", "0"});
}

TEST_CASE("run_until_idle: waits for plain calls, too") {
  Log log;
  EventLoop loop;
  loop.call_soon([&] {
    log.push_back("one");
    loop.call_soon([&] { log.push_back("two"); });
  });
  loop.run_until_idle();
  CHECK(log == Log{"one", "two"});
}

TEST_CASE("run_until_idle: waits for those who wait") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(read(&log, pair.left), loop);
  create_task(sock_sendall(pair.right, "x"), loop);
  loop.run_until_idle();
  CHECK(log == Log{"read"});
}

TEST_CASE("run_until_idle: a reader that is no coroutine keeps nobody") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  loop.add_reader(pair.left, [&] { log.push_back("callback"); });
  create_task(chain(&log, 0), loop);
  loop.run_until_idle();
  CHECK(log == Log{"0"});
}

TEST_CASE("run_until_idle: can be called again for what comes later") {
  Log log;
  EventLoop loop;
  create_task(chain(&log, 1), loop);
  loop.run_until_idle();
  create_task(chain(&log, 0), loop);
  loop.run_until_idle();
  CHECK(log == Log{"1", "0", "0"});
}

TEST_CASE("run_until_idle: stop() ends it, and it can go on") {
  Log log;
  EventLoop loop;
  SocketPair pair(loop);
  create_task(read(&log, pair.left), loop);
  create_task(stop_loop(&log), loop);
  loop.run_until_idle();
  CHECK(log == Log{"stop"});
  REQUIRE(::send(pair.right, "x", 1, 0) == 1);
  loop.run_until_idle();
  CHECK(log == Log{"stop", "read"});
}

TEST_CASE("run_until_idle: not from inside") {
  Log log;
  EventLoop loop;
  create_task(run_again(&log, &loop), loop);
  create_task(chain(&log, 0), loop);
  loop.run_until_idle();
  CHECK(log.size() == 2);
  CHECK(log[0] == "error");
}

TEST_CASE("run_until_idle: inside, get_running_loop() is this loop") {
  EventLoop loop;
  EventLoop other;
  SocketPair pair(loop);
  EventLoop* found = nullptr;
  create_task(which_loop(&found, pair.left), loop);
  create_task(sock_sendall(pair.right, "x"), loop);
  loop.run_until_idle();
  CHECK(found == &loop);
  CHECK_FALSE(loop.is_running());
  CHECK_THROWS_AS(get_running_loop(), std::logic_error);
}

}  // namespace test_run_until_idle
