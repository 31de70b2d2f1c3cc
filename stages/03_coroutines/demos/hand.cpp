#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

static Coroutine<> reader(int fd) {
  std::printf("  reader: may I read?\n");
  const std::string data = co_await sock_recv(fd, 100);
  std::printf("  reader: got \"%s\"\n", data.c_str());
}

static Coroutine<> writer(int fd, std::string data) {
  std::printf("  writer: \"%s\"\n", data.c_str());
  co_await sock_sendall(fd, std::move(data));
}

static void drive_by_hand(int left, int right) {
  Coroutine<> reading = reader(left);
  while (const std::optional<Can> can = reading.next()) {
    std::printf("  hand: it yields \"once %s is %s\"\n",
                can->fd == left ? "left" : "right", to_string(*can));
    Coroutine<> writing = writer(right, "one");
    writing.next();
  }
  std::printf("  hand: that was all\n");
}

static Coroutine<> hand() {
  const auto [left_fd, right_fd] = stream_pair();
  Socket left(left_fd);
  Socket right(right_fd);
  std::printf("driven by hand:\n");
  drive_by_hand(left, right);
  std::printf("driven by the loop:\n");
  create_task(writer(right, "two"));
  co_await reader(left);
}

static const Demo<Coroutine<>()> demo{
    "hand", "what a coroutine yields, and who resumes it", hand};
