#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/describe.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

// Rounded down: a little late does not show.
static void say(Seconds start, const std::string& what) {
  const Seconds passed = get_running_loop().time() - start;
  std::printf("  %.1f s  %s\n", std::floor(passed.count() * 10) / 10,
              what.c_str());
}

static Coroutine<> download(std::string name, Seconds delay, Seconds start) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    say(start, name + " cancelled");
    throw;
  }
  if (name == "b") {
    say(start, name + " fails");
    throw std::runtime_error("no such file: " + name);
  }
  say(start, name + " is there");
}

static Coroutine<> gathered() {
  std::printf("gather\n");
  const Seconds start = get_running_loop().time();
  try {
    co_await gather(download("a", 100ms, start), download("b", 200ms, start),
                    download("c", 300ms, start));
  } catch (const std::runtime_error& error) {
    say(start, error.what());
  }
  co_await sleep(200ms);
}

static Coroutine<> grouped() {
  std::printf("group\n");
  const Seconds start = get_running_loop().time();
  TaskGroup group;
  const auto body = [&]() -> Coroutine<> {
    group.create_task(download("a", 100ms, start));
    group.create_task(download("b", 200ms, start));
    group.create_task(download("c", 300ms, start));
    co_return;
  };
  try {
    co_await async_with(group, body());
  } catch (const ExceptionGroup& error) {
    say(start, error.what());
    for (const auto& one : error.exceptions()) {
      say(start, "- " + describe(one));
    }
  }
}

static Coroutine<> sibling() {
  co_await gathered();
  co_await grouped();
}

static const Demo<Coroutine<>()> demo{
    "sibling", "one of three fails: what becomes of the others", sibling};
