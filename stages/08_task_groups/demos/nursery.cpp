#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

// What happens here, and beside it what one writes, or says, with trio.
static void say(const char* here, const char* trio) {
  std::printf("%-38s | %s\n", here, trio);
}

static Coroutine<> reader() {
  say("  reader: co_await sleep(1h)", "  await trio.sleep(3600)");
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    say("  reader: CancelledError, once", "  trio.Cancelled, at every await");
    throw;
  }
}

static Coroutine<> writer() {
  co_await sleep(100ms);
  say("  writer: std::runtime_error", "  raise RuntimeError");
  throw std::runtime_error("disk full");
}

static Coroutine<> parent() {
  say("TaskGroup group", "trio.open_nursery()");
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    say("  group.create_task(reader())", "  nursery.start_soon(reader)");
    group.create_task(reader());
    say("  group.create_task(writer())", "  nursery.start_soon(writer)");
    group.create_task(writer());
    say("  the body ends: wait for the children", "  the same");
    co_return;
  };
  say("async_with(group, body())", "async with ... as nursery:");
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup&) {
    say("ExceptionGroup", "the same");
  }
}

static Coroutine<> limited() {
  say("async_with(timeout(100ms), body())", "with trio.fail_after(0.1):");
  try {
    co_await async_with(timeout(100ms), reader());
  } catch (const TimeoutError&) {
    say("TimeoutError", "trio.TooSlowError");
  }
}

static Coroutine<> nursery() {
  say("here", "with trio");
  say("----", "---------");
  co_await parent();
  co_await limited();
}

static const Demo<Coroutine<>()> demo{
    "nursery", "the same in the words of trio", nursery};
