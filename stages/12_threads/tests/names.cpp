#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_names {

/// What looking up "slow.test" waits for, and what it says that it has begun.
static std::binary_semaphore answer(0);
static std::binary_semaphore asked(0);
/// In which thread the last name was looked up.
static std::atomic<std::thread::id> asked_in;

}  // namespace test_names

// This one is found before the system's: a resolver that answers late.
extern "C" int getaddrinfo(
    const char* host,
    const char* port,
    const addrinfo* hints,
    addrinfo** found
) {
  static const auto system = reinterpret_cast<decltype(&::getaddrinfo)>(
      ::dlsym(RTLD_NEXT, "getaddrinfo"));
  const bool digits = hints && (hints->ai_flags & AI_NUMERICHOST);
  if (!digits) {
    test_names::asked_in = std::this_thread::get_id();
  }
  if (!digits && host && std::strcmp(host, "slow.test") == 0) {
    test_names::asked.release();
    test_names::answer.acquire();
    host = "127.0.0.1";
  }
  return system(host, port, hints, found);
}

namespace test_names {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

int port_in(const SocketAddress& address) {
  return ntohs(reinterpret_cast<const sockaddr_in*>(address.get())->sin_port);
}

/// Waits for the question, then lets the others go on before the answer.
Coroutine<> answers_late(Log* log) {
  while (!asked.try_acquire()) {
    co_await sleep(0s);
  }
  for (int i = 0; i < 3; ++i) {
    co_await sleep(0s);
    log->push_back("tick");
  }
  answer.release();
}

Coroutine<> looks_up(Log* log) {
  const Task<> other = create_task(answers_late(log));
  const auto found =
      co_await asyncio::getaddrinfo("slow.test", 80, AF_INET, SOCK_STREAM);
  log->push_back("answer");
  REQUIRE(found.size() == 1);
  CHECK(found[0].family == AF_INET);
  CHECK(found[0].type == SOCK_STREAM);
  CHECK(port_in(found[0].address) == 80);
  co_await other;
}

TEST_CASE("names: the others go on while a name is looked up") {
  Log log;
  run(looks_up(&log));
  CHECK(log == Log{"tick", "tick", "tick", "answer"});
}

Coroutine<> looks_up_nonsense() {
  co_await asyncio::getaddrinfo("not a number", 80, 0, 0, 0, AI_NUMERICHOST);
}

TEST_CASE("names: one that is not found") {
  std::string message;
  try {
    run(looks_up_nonsense());
  } catch (const std::runtime_error& error) {
    message = error.what();
  }
  CHECK(message.rfind("cannot look up not a number: ", 0) == 0);
}

Coroutine<> looks_up_a_name() {
  const auto found = co_await asyncio::getaddrinfo("127.0.0.1", 4711, AF_INET);
  REQUIRE_FALSE(found.empty());
  const auto name = co_await asyncio::getnameinfo(
      found[0].address, NI_NUMERICHOST | NI_NUMERICSERV);
  CHECK(name.first == "127.0.0.1");
  CHECK(name.second == "4711");
}

TEST_CASE("names: and the name of an address") {
  run(looks_up_a_name());
}

Coroutine<> looks_up_no_address() {
  co_await asyncio::getnameinfo(SocketAddress());
}

TEST_CASE("names: which is an error if there is no address") {
  CHECK_THROWS_AS(run(looks_up_no_address()), std::runtime_error);
}

// ---- sock_connect ----

Coroutine<> accepts(int listener) {
  const Socket client = co_await sock_accept(listener);
}

Coroutine<> connects(std::string host) {
  const Socket listener(listen_on("127.0.0.1", 0));
  const Task<> other = create_task(accepts(listener));
  const Socket socket(tcp_socket(AF_INET));
  co_await sock_connect(socket, host, port_of(listener));
  co_await other;
}

Coroutine<> connects_by_name(Log* log) {
  const Task<> other = create_task(answers_late(log));
  co_await connects("slow.test");
  log->push_back("connected");
  co_await other;
}

TEST_CASE("names: sock_connect by name stops nobody") {
  Log log;
  run(connects_by_name(&log));
  CHECK(log == Log{"tick", "tick", "tick", "connected"});
  CHECK((asked_in.load() != std::this_thread::get_id()));
}

TEST_CASE("names: an address in digits needs no thread") {
  run(connects("127.0.0.1"));
  CHECK((asked_in.load() == std::this_thread::get_id()));
}

Coroutine<> connects_to_slow(int fd, Log* log) {
  try {
    co_await sock_connect(fd, "slow.test", 1);
  } catch (const std::system_error& error) {
    log->push_back(error.code().message());
  }
}

/// Lets it be asked, and answered once `meanwhile` is over.
template <class Function>
Coroutine<> beside(Task<> task, Function meanwhile) {
  while (!asked.try_acquire()) {
    co_await sleep(0s);
  }
  meanwhile();
  answer.release();
  try {
    co_await task;
  } catch (const CancelledError&) {
  }
}

Coroutine<> closes_meanwhile(Log* log) {
  Socket socket(tcp_socket(AF_INET));
  const int fd = socket;
  const Task<> task = create_task(connects_to_slow(fd, log));
  std::optional<Socket> other;
  const auto close = [&] {
    socket.close();
    // Most likely it gets the same number.
    other.emplace(tcp_socket(AF_INET));
    log->push_back(other->fileno() == fd ? "the same number" : "another one");
  };
  co_await beside(task, close);
}

TEST_CASE("names: a socket that is closed meanwhile, its number in use again") {
  Log log;
  run(closes_meanwhile(&log));
  CHECK(log == Log{"the same number",
                   std::generic_category().message(EBADF)});
}

Coroutine<> cancels_meanwhile(Log* log) {
  const Socket socket(tcp_socket(AF_INET));
  const Task<> task = create_task(connects_to_slow(socket, log));
  const auto cancel = [&] { task.cancel(); };
  co_await beside(task, cancel);
  CHECK(task.cancelled());
}

TEST_CASE("names: cancelled meanwhile; run() waits for the resolver") {
  Log log;
  run(cancels_meanwhile(&log));
  CHECK(log == Log{});
}

TEST_CASE("names: the loop closes meanwhile") {
  Log log;
  {
    EventLoop loop;
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    create_task(looks_up(&log), loop);
    for (int round = 0; round < 3; ++round) {
      loop.call_soon([] {});
      loop.run_once();
    }
    loop.close();
    answer.release();
  }
  // The task that would have taken it is gone.
  while (asked.try_acquire()) {
  }
}

}  // namespace test_names
