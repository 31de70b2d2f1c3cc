#include <cstdio>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "flag_server.hpp"

using namespace asyncio;

static Coroutine<std::string> ask(std::string name, int port) {
  try {
    co_return co_await fetch(port, "JP");
  } catch (const CancelledError&) {
    std::printf("  %s: cancelled\n", name.c_str());
    throw;
  }
}

static Coroutine<> first_wins() {
  const FlagServer far(send_flag<3>);
  const FlagServer near;
  const FlagServer farther(send_flag<5>);
  std::vector<Task<std::string>> tasks;
  tasks.push_back(create_task(ask("far", far.port()), "far"));
  tasks.push_back(create_task(ask("near", near.port()), "near"));
  tasks.push_back(create_task(ask("farther", farther.port()), "farther"));

  const auto first = co_await wait(tasks, FIRST_COMPLETED);
  for (const auto& task : first.done) {
    std::printf("  %s: \"%s\"\n", task.get_name().c_str(),
                task.result().c_str());
  }
  for (const auto& task : first.pending) {
    task.cancel();
  }
  // They may need a while to clean up.
  if (!first.pending.empty()) {
    co_await wait(first.pending);
  }
  std::printf("no task is left\n");
}

static const Demo<Coroutine<>()> demo{
    "first_wins", "three servers are asked, the fastest is enough", first_wins};
