// A thread computes a result and sets the future itself. Futures and the loop
// are not made for two threads. Even where it goes well, the loop sleeps in
// select() and does not look at its queue until something else wakes it.
//
// Cure: let the thread write a byte into a pipe that the loop watches, and set
// the future in the loop. (loop.call_soon_threadsafe)
//
// Prints:
//   set by the thread: seen after 1.0 s
//   a byte in a pipe: seen after 0.1 s
#include <cmath>
#include <cstdio>
#include <thread>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void run(const char* what, EventLoop& loop, const Future<>& future) {
  const Seconds start = loop.time();
  const TimerHandle something_else = loop.call_later(1s, [] {});
  loop.run_until_complete(future);
  const Seconds passed = loop.time() - start;
  std::printf("%s: seen after %.1f s\n", what,
              std::floor(passed.count() * 10) / 10);
}

static void set_by_the_thread() {
  EventLoop loop;
  const Future<> future(loop);
  std::thread thread([&] {
    std::this_thread::sleep_for(100ms);
    future.set_result();
  });
  run("set by the thread", loop, future);
  thread.join();
}

static void byte_in_a_pipe() {
  EventLoop loop;
  const auto [left, right] = stream_pair();
  const Socket reader(left, loop);
  const Socket writer(right, loop);
  const Future<> future(loop);
  loop.add_reader(reader, [&] {
    loop.remove_reader(reader);
    future.set_result();
  });
  std::thread thread([&writer] {
    std::this_thread::sleep_for(100ms);
    ::send(writer, "x", 1, 0);
  });
  run("a byte in a pipe", loop, future);
  thread.join();
}

int main() {
  set_by_the_thread();
  byte_in_a_pipe();
}
