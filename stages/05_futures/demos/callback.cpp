#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>

#include "asyncio.hpp"
#include "common/command_line.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Somebody else's library, which has never heard of coroutines: it calls
/// back when it has looked the name up.
static void look_up(
    std::string name,
    std::function<void(const char* error, int number)> callback
) {
  get_running_loop().call_later(300ms, [name, callback] {
    if (name == "Ada") {
      callback(nullptr, 1815);
    } else {
      callback("no such name", 0);
    }
  });
}

/// The same, to be awaited. Whoever gave up waiting has cancelled the future.
static Future<int> number_of(std::string name) {
  const Future<int> number;
  look_up(name, [number](const char* error, int answer) {
    if (number.done()) {
      return;
    }
    if (error) {
      number.set_exception(std::runtime_error(error));
    } else {
      number.set_result(answer);
    }
  });
  return number;
}

static Coroutine<> call_both() {
  const Seconds start = get_running_loop().time();
  const Future<int> ada = number_of("Ada");
  const Future<int> bob = number_of("Bob");
  std::printf("Ada has %d\n", co_await ada);
  try {
    std::printf("Bob has %d\n", co_await bob);
  } catch (const std::runtime_error& error) {
    std::printf("Bob: %s\n", error.what());
  }
  const Seconds passed = get_running_loop().time() - start;
  std::printf("both in %s\n", passed < 600ms ? "the time of one" : "turn");
}

static const Demo<Coroutine<>()> demo{
    "callback", "a library that calls back, made awaitable", call_both};
