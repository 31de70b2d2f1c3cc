#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "staggered.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void note(Seconds start, const std::string& text) {
  const Seconds now = get_running_loop().time() - start;
  std::printf("%.2f s  %s\n", now.count(), text.c_str());
}

static Coroutine<std::string> attempt(
    Seconds start,
    std::string name,
    Seconds time,
    bool answers
) {
  note(start, name + " begins");
  co_await sleep(time);
  if (!answers) {
    note(start, name + " fails");
    throw std::runtime_error(name + " refuses");
  }
  co_return name;
}

static Coroutine<> three_attempts() {
  const Seconds start = get_running_loop().time();
  std::vector<std::function<Coroutine<std::string>()>> attempts;
  attempts.push_back([start] { return attempt(start, "the first", 1h, true); });
  attempts.push_back([start] {
    return attempt(start, "the second", 100ms, false);
  });
  attempts.push_back([start] {
    return attempt(start, "the third", 100ms, true);
  });
  std::vector<std::exception_ptr> errors;
  const auto winner = co_await staggered_race(attempts, 200ms, &errors);
  note(start, winner.value() + " has won");
}

static const Demo<Coroutine<>()> demo{
    "race", "three attempts, each given a start of 0.2 s", three_attempts};
