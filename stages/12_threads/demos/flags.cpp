#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/net.hpp"
#include "flag_server.hpp"

using namespace asyncio;
using Texts = std::vector<std::string>;

static Coroutine<Texts> one_by_one(int port) {
  Texts texts;
  for (const std::string& code : country_codes()) {
    texts.push_back(co_await fetch(port, code));
  }
  co_return texts;
}

static Coroutine<Texts> all_at_once(int port) {
  std::vector<Coroutine<std::string>> fetches;
  for (const std::string& code : country_codes()) {
    fetches.push_back(fetch(port, code));
  }
  co_return co_await gather(std::move(fetches));
}

// For contrast: connect, send and receive as they always were.
static std::string blocking_fetch(int port, std::string code) {
  const int fd = connect_to("127.0.0.1", port);
  char buffer[1000];
  ::send(fd, code.data(), code.size(), 0);
  const auto count = ::recv(fd, buffer, sizeof buffer, 0);
  ::close(fd);
  return std::string(buffer, count < 0 ? 0 : static_cast<std::size_t>(count));
}

static Coroutine<Texts> in_a_pool(int port, std::size_t workers) {
  concurrent::ThreadPoolExecutor executor(workers);
  std::vector<Future<std::string>> fetches;
  for (const std::string& code : country_codes()) {
    fetches.push_back(run_in_executor(executor, blocking_fetch, port, code));
  }
  co_return co_await gather(std::move(fetches));
}

static Coroutine<> measure(const char* what, Coroutine<Texts> fetching) {
  const Seconds start = get_running_loop().time();
  const Texts texts = co_await fetching;
  const Seconds passed = get_running_loop().time() - start;
  std::printf("%s: %d flags in %.1f s\n", what, int(texts.size()),
              passed.count());
}

static Coroutine<> fetch_flags() {
  const FlagServer server;
  co_await measure("one by one", one_by_one(server.port()));
  co_await measure("in a pool of 3 threads", in_a_pool(server.port(), 3));
  co_await measure("a thread for each", in_a_pool(server.port(), 8));
  co_await measure("all at once", all_at_once(server.port()));
}

static const Demo<Coroutine<>()> demo{
    "flags", "fetched one by one, in a pool, all at once", fetch_flags};
