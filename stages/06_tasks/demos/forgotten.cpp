#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Says when its owner, the coroutine's frame, is destroyed.
class Witness {
 public:
  Witness() = default;
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { std::printf("the forgotten one is destroyed\n"); }
};

// Nobody but itself knows the future that it waits for.
static Coroutine<> waits_for_ever() {
  const Witness witness;
  const Future<> future;
  try {
    co_await future;
  } catch (const CancelledError&) {
    std::printf("the forgotten one is cancelled\n");
    throw;
  }
}

static Coroutine<> forget() {
  create_task(waits_for_ever(), "forgotten");
  co_await sleep(100ms);
  std::printf("still in the loop:\n");
  for (const AnyTask& task : all_tasks()) {
    std::printf("  %s\n", task.get_name().c_str());
  }
  std::printf("main ends\n");
}

static const Demo<Coroutine<>()> demo{
    "forgotten", "a task that no variable keeps", forget};
