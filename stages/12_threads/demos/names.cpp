#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include <netdb.h>
#include <sys/socket.h>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/net.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void say(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

static Coroutine<> tick() {
  while (true) {
    co_await sleep(100ms);
    say("  tick");
  }
}

/// Stands for a name server that takes its time.
static void wait_for_answer() { std::this_thread::sleep_for(350ms); }

static Coroutine<> blocking(std::string host) {
  wait_for_answer();
  const auto found = look_up(host, 80, AF_INET, SOCK_STREAM);
  const auto name = look_up_name(found.at(0).address, NI_NUMERICHOST);
  say("  " + host + " is " + name.first);
  co_return;
}

static Coroutine<> in_a_thread(std::string host) {
  co_await to_thread(wait_for_answer);
  const auto found = co_await asyncio::getaddrinfo(host, 80, AF_INET,
                                                   SOCK_STREAM);
  const auto name = co_await asyncio::getnameinfo(found.at(0).address,
                                                  NI_NUMERICHOST);
  say("  " + host + " is " + name.first);
}

static Coroutine<> beside_a_clock(Coroutine<> looking_up) {
  const Task<> clock = create_task(tick());
  // Lets it begin.
  co_await sleep(0s);
  try {
    co_await looking_up;
  } catch (const std::exception& error) {
    say(std::string("  ") + error.what());
  }
  clock.cancel();
}

static Coroutine<> look_up_names() {
  say("in the loop:");
  co_await beside_a_clock(blocking("localhost"));
  say("in a thread:");
  co_await beside_a_clock(in_a_thread("localhost"));
}

static const Demo<Coroutine<>()> demo{
    "names", "a name is looked up beside a clock", look_up_names};
