#include <unistd.h>

#include <cstdio>

#include "common/command_line.hpp"
#include "coroutines.hpp"

using namespace asyncio;

static Coroutine<> reader(int fd) {
  std::printf("  reader: may I read?\n");
  co_await wait_readable(fd);
  char text[100];
  const auto count = ::recv(fd, text, sizeof text, 0);
  std::printf("  reader: got \"%.*s\"\n", static_cast<int>(count), text);
}

static Coroutine<> writer(int fd) {
  std::printf("  writer: may I write?\n");
  co_await wait_writable(fd);
  std::printf("  writer: \"two\"\n");
  ::send(fd, "two", 3, 0);
}

static void drive_by_hand(int left, int right) {
  Coroutine<> reading = reader(left);
  while (const std::optional<Can> can = reading.next()) {
    std::printf("  hand: it yields \"once %s is %s\"\n",
                can->fd == left ? "left" : "right", to_string(*can));
    std::printf("  hand: \"one\"\n");
    ::send(right, "one", 3, 0);
  }
  std::printf("  hand: that was all\n");
}

static void drive_by_loop(int left, int right) {
  EventLoop loop;
  create_task(reader(left), loop);
  create_task(writer(right), loop);
  for (int round = 1; round <= 3; ++round) {
    std::printf("  round %d\n", round);
    loop.run_once();
  }
}

static void hand() {
  const auto [left, right] = stream_pair();
  std::printf("driven by hand:\n");
  drive_by_hand(left, right);
  std::printf("driven by the loop:\n");
  drive_by_loop(left, right);
  ::close(left);
  ::close(right);
}

static const Demo<void()> demo{
    "hand", "what a coroutine yields, and what resumes it", hand};
