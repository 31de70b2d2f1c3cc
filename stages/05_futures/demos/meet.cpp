#include <cstdio>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> consumer(const char* name, Future<int> rolls) {
  std::printf("%s: I wait for %s\n", name, to_string(rolls).c_str());
  const int count = co_await rolls;
  std::printf("%s: there are %d\n", name, count);
}

static Coroutine<> producer(Future<int> rolls) {
  std::printf("producer: they are in the oven\n");
  co_await sleep(1s);
  rolls.set_result(12);
  std::printf("producer: %s\n", to_string(rolls).c_str());
}

static Coroutine<> meet() {
  const Future<int> rolls;
  create_task(consumer("first", rolls));
  create_task(consumer("second", rolls));
  co_await producer(rolls);
  co_await sleep(1s);
  co_await consumer("late", rolls);
}

static const Demo<Coroutine<>()> demo{
    "meet", "a producer and its consumers meet at a future", meet};
