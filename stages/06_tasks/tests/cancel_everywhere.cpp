// Each of these coroutines is cancelled at every point where it can be, and
// each time nothing may be left: no frame, descriptor, registration or timer.
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "../demos/serve.hpp"
#include "asyncio.hpp"
#include "common/net.hpp"
#include "common/testing.hpp"

namespace test_cancel_everywhere {

using namespace asyncio;
using namespace std::chrono_literals;

/// How many of these there are: in every frame is one.
class Witness {
 public:
  Witness() { ++alive; }
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { --alive; }

  static inline int alive = 0;
};

Coroutine<> greet() {
  const Witness witness;
  for (int i = 0; i < 3; ++i) {
    co_await sleep(2s);
    co_await sleep(0s);
  }
}

Coroutine<> spin() {
  const Witness witness;
  while (true) {
    co_await sleep(100ms);
  }
}

Coroutine<int> slow_function() {
  const Witness witness;
  co_await sleep(1s);
  co_return 42;
}

Coroutine<> supervisor() {
  const Witness witness;
  const Task<> spinner = create_task(spin());
  const int answer = co_await slow_function();
  CHECK(answer == 42);
  spinner.cancel();
}

Coroutine<int> one_level(int depth) {
  const Witness witness;
  if (depth == 0) {
    co_return co_await create_task(slow_function());
  }
  co_return co_await one_level(depth - 1);
}

Coroutine<> deep() {
  const Witness witness;
  const Task<int> task = create_task(one_level(3));
  co_await task;
}

Coroutine<> set_later(Future<int> future) {
  const Witness witness;
  co_await sleep(1s);
  if (!future.done()) {
    future.set_result(1);
  }
}

Coroutine<> meet() {
  const Witness witness;
  const Future<int> future;
  create_task(set_later(future));
  const int result = co_await future;
  CHECK(result == 1);
}

// As in the demo of that name.
Coroutine<> echo(Socket client) {
  const Witness witness;
  while (true) {
    std::string data = co_await sock_recv(client, 64 * 1024);
    if (data.empty()) {
      co_return;
    }
    co_await sock_sendall(client, std::move(data));
  }
}

Coroutine<> talk(Socket server) {
  const Witness witness;
  for (const std::size_t size : {1, 1000, 20000}) {
    co_await sock_sendall(server, std::string(size, 'x'));
    std::size_t heard = 0;
    while (heard < size) {
      const std::string answer = co_await sock_recv(server, 1 << 20);
      if (answer.empty()) {
        co_return;
      }
      heard += answer.size();
    }
  }
}

Coroutine<> handler() {
  const Witness witness;
  const auto [server, client] = stream_pair();
  Socket here(client);
  create_task(converse(echo, Socket(server)));
  co_await talk(std::move(here));
}

Coroutine<> whole_server() {
  const Witness witness;
  Socket listener(listen_on("127.0.0.1", 0));
  const int port = port_of(listener);
  const Task<> serving = create_task(serve(std::move(listener), echo));
  Socket client(tcp_socket(AF_INET));
  co_await sock_connect(client, "127.0.0.1", port);
  co_await talk(std::move(client));
  serving.cancel();
}

int watched(const EventLoop& loop) {
  int count = 0;
  for (int fd = 0; fd < 100; ++fd) {
    count += loop.is_watched(fd, EVENT_READ);
    count += loop.is_watched(fd, EVENT_WRITE);
  }
  return count;
}

/// But for what a loop watches for itself.
bool anything_watched(const EventLoop& loop) {
  return watched(loop) != watched(EventLoop());
}

/// Returns what cancel() says.
using Cancel = std::function<bool(EventLoop&, const Task<>&)>;

/// Lets it run for so many rounds and cancels it. Returns false if it had ended
/// by then.
bool cancel_after(int rounds, Coroutine<> (*make)(), const Cancel& cancel) {
  EventLoop loop;
  loop.use_virtual_clock();
  std::string reports;
  loop.set_exception_handler([&](const std::string& message, auto) {
    reports += message;
  });
  const auto start = [](Coroutine<> (*begin)()) -> Coroutine<> {
    co_await begin();
  };
  const Task<> task = create_task(start(make), loop);
  for (int i = 0; i < rounds && !task.done(); ++i) {
    loop.run_once();
  }
  const Seconds before = loop.time();
  const bool in_time = cancel(loop, task);
  while (!task.done()) {
    loop.run_once();
  }
  CHECK(task.cancelled() == in_time);
  // What it had started ends as at the end of run().
  for (const AnyTask& other : all_tasks(loop)) {
    other.cancel();
  }
  loop.run_until_idle();
  CHECK(loop.time() == before);
  CHECK(all_tasks(loop).empty());
  CHECK(Witness::alive == 0);
  CHECK_FALSE(anything_watched(loop));
  CHECK(reports == "");
  return in_time;
}

void cancel_everywhere(Coroutine<> (*make)(), const Cancel& cancel) {
  const int open = open_descriptors();
  int rounds = 0;
  while (cancel_after(rounds, make, cancel)) {
    REQUIRE(open_descriptors() == open);
    REQUIRE(++rounds < 10000);
  }
  CHECK(open_descriptors() == open);
  CHECK(rounds > 3);
}

/// Between two rounds; twice; and in a round, before those that became ready.
void cancel_everywhere(Coroutine<> (*make)()) {
  cancel_everywhere(make, [](EventLoop&, const Task<>& task) {
    return task.cancel();
  });
  cancel_everywhere(make, [](EventLoop&, const Task<>& task) {
    task.cancel();
    return task.cancel();
  });
  cancel_everywhere(make, [](EventLoop& loop, const Task<>& task) {
    bool in_time = false;
    loop.call_soon([&] { in_time = task.cancel(); });
    loop.run_once();
    return in_time;
  });
}

TEST_CASE("cancel_everywhere: one that sleeps") {
  cancel_everywhere(greet);
}

TEST_CASE("cancel_everywhere: one that has a spinner") {
  cancel_everywhere(supervisor);
}

TEST_CASE("cancel_everywhere: tasks in coroutines in tasks") {
  cancel_everywhere(deep);
}

TEST_CASE("cancel_everywhere: one that waits for a future") {
  cancel_everywhere(meet);
}

TEST_CASE("cancel_everywhere: a client of the echo server's handler") {
  cancel_everywhere(handler);
}

TEST_CASE("cancel_everywhere: a client of the whole server") {
  cancel_everywhere(whole_server);
}

/// The loop closes after so many rounds. Returns false if all had ended.
bool close_after(int rounds, Coroutine<> (*make)()) {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.set_exception_handler([](const std::string& message, auto) {
    CHECK(message == "Task was destroyed but it is pending!");
  });
  const auto start = [](Coroutine<> (*begin)()) -> Coroutine<> {
    co_await begin();
  };
  const Task<> task = create_task(start(make), loop);
  for (int i = 0; i < rounds && !task.done(); ++i) {
    loop.run_once();
  }
  loop.close();
  CHECK(Witness::alive == 0);
  CHECK(watched(loop) == 0);
  return !task.done();
}

TEST_CASE("cancel_everywhere: the loop closes instead") {
  const int open = open_descriptors();
  for (const auto make :
       {greet, supervisor, deep, meet, handler, whole_server}) {
    int rounds = 0;
    while (close_after(rounds, make)) {
      REQUIRE(open_descriptors() == open);
      REQUIRE(++rounds < 10000);
    }
    CHECK(open_descriptors() == open);
  }
}

/// Any task of the conversation is cancelled, not only the first.
TEST_CASE("cancel_everywhere: the other side") {
  const int open = open_descriptors();
  for (const auto make : {supervisor, deep, meet, handler, whole_server}) {
    for (int rounds = 0; rounds < 60; ++rounds) {
      EventLoop loop;
      loop.use_virtual_clock();
      // Whoever loses its partner may fail.
      loop.set_exception_handler([](const std::string&, auto) {});
      const Task<> task = create_task(make(), loop);
      for (int i = 0; i < rounds && !task.done(); ++i) {
        loop.run_once();
      }
      const std::vector<AnyTask> tasks = all_tasks(loop);
      if (tasks.size() > 1) {
        tasks.back().cancel();
        for (int i = 0; i < 3; ++i) {
          loop.call_soon([] {});
          loop.run_once();
        }
        CHECK(tasks.back().done());
      }
      for (const AnyTask& other : all_tasks(loop)) {
        other.cancel();
      }
      loop.run_until_idle();
      CHECK(all_tasks(loop).empty());
      CHECK(Witness::alive == 0);
      CHECK_FALSE(anything_watched(loop));
    }
    CHECK(open_descriptors() == open);
  }
}

}  // namespace test_cancel_everywhere
