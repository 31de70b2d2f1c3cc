#include <csignal>
#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// What a program holds: a file, a lock, a connection.
class Door {
 public:
  Door() { std::printf("opens the door\n"); }
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;
  ~Door() { std::printf("closes the door\n"); }
};

static Coroutine<> press_ctrl_c_for_me() {
  co_await sleep(3s);
  std::raise(SIGINT);
}

static Coroutine<> work() {
  const Door door;
  std::printf("works for an hour; press Ctrl-C, or wait\n");
  std::fflush(stdout);
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (cancelled) {
    std::printf("stops, and takes half a second to tidy up\n");
    std::fflush(stdout);
    co_await sleep(500ms);
    std::printf("has tidied up\n");
    throw CancelledError();
  }
}

static Coroutine<> start() {
  create_task(press_ctrl_c_for_me());
  co_await work();
}

static const Demo<Coroutine<>()> demo{
    "ctrl_c", "Ctrl-C cancels the program, which tidies up first", start};
