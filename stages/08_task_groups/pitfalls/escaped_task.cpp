// In the body of a TaskGroup, a task is started with create_task() instead of
// group.create_task(). The group does not know this task: it does not wait for
// it, does not cancel it, and does not throw its exception.
//
// Cure: group.create_task(). A function that starts tasks takes the group as a
// parameter: then its caller sees that tasks go on after it returns.
//
// Prints:
//   escaped: the group ends, half of it is written
//   escaped: all is written
//   owned: all is written
//   owned: the group ends
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> write_file(const char* title, bool* half) {
  *half = true;
  co_await sleep(1s);
  *half = false;
  std::printf("%s: all is written\n", title);
}

static Coroutine<> escaped() {
  bool half = false;
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    create_task(write_file("escaped", &half));
    co_await sleep(100ms);
  };
  co_await async_with(group, body());
  std::printf("escaped: the group ends%s\n",
              half ? ", half of it is written" : "");
  co_await sleep(1s);
}

static Coroutine<> owned() {
  bool half = false;
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(write_file("owned", &half));
    co_await sleep(100ms);
  };
  co_await async_with(group, body());
  std::printf("owned: the group ends%s\n",
              half ? ", half of it is written" : "");
}

static Coroutine<> both() {
  co_await escaped();
  co_await owned();
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
