// What cancel() and a generator's close() can do, and what they cannot.
#include <cstdio>
#include <string>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

// No co_await is allowed in a catch block: it notes what has happened.
static Coroutine<> cleans_up() {
  bool cancelled = false;
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    cancelled = true;
  }
  if (cancelled) {
    std::printf("  puts things away ...\n");
    co_await sleep(100ms);
    std::printf("  ... which took a while\n");
    throw CancelledError();
  }
}

static Coroutine<std::string> refuses() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    std::printf("  not now\n");
  }
  co_await sleep(100ms);
  co_return "done all the same";
}

static Coroutine<> fails() {
  try {
    co_await sleep(1h);
  } catch (const CancelledError&) {
    throw std::runtime_error("broke the vase");
  }
}

template <class T>
static Coroutine<> cancel(const char* what, Task<T> task) {
  co_await sleep(0s);
  std::printf("cancel() against one that %s\n", what);
  task.cancel();
  try {
    co_await task;
  } catch (const CancelledError&) {
  } catch (const std::exception&) {
  }
  std::printf("  %s\n", to_string(task).c_str());
}

static Generator<int> tidy() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    std::printf("  puts things away, and cannot wait\n");
    throw;
  }
}

static Generator<int> stubborn() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    std::printf("  not now\n");
  }
  co_yield 2;
}

static void close(const char* what, Generator<int> generator) {
  generator.next();
  std::printf("close() against one that %s\n", what);
  try {
    generator.close();
    std::printf("  closed\n");
  } catch (const std::exception& error) {
    std::printf("  %s\n", error.what());
  }
}

static Coroutine<> show() {
  co_await cancel("cleans up", create_task(cleans_up(), "tidy"));
  co_await cancel("refuses", create_task(refuses(), "stubborn"));
  co_await cancel("fails", create_task(fails(), "clumsy"));
  close("cleans up", tidy());
  close("refuses", stubborn());
}

static const Demo<Coroutine<>()> demo{
    "cleaning_up", "cancel() asks, a generator's close() insists", show};
