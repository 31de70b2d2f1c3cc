#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "flag_server.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<std::string> fetch_with_code(int port, std::string code) {
  const std::string text = co_await fetch(port, code);
  co_return code + "  " + text;
}

static Coroutine<> show_as_they_come() {
  const FlagServer server;
  std::vector<Coroutine<std::string>> fetches;
  for (const char* const code : {"KE", "NP", "AT"}) {
    fetches.push_back(fetch_with_code(server.port(), code));
  }
  for (auto& next : as_completed(std::move(fetches), 250ms)) {
    try {
      const std::string line = co_await next;
      std::printf("%s\n", line.c_str());
    } catch (const TimeoutError&) {
      std::printf("one is late\n");
    }
  }
}

static const Demo<Coroutine<>()> demo{
    "arriving", "flags in the order in which they come", show_as_they_come};
