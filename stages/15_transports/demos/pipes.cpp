#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/net.hpp"
#include "pipes.hpp"

using namespace asyncio;

class Reader : public Protocol {
 public:
  std::string text;
  const Future<> ended;

 private:
  void data_received(std::string_view data) override { text += data; }

  void connection_lost(std::exception_ptr) override { ended.set_result(); }
};

/// What another program prints: it has a pipe for its standard output.
static Coroutine<> read_greeting() {
  std::FILE* const program = ::popen("echo hello", "r");
  if (!program) {
    throw_errno("popen");
  }
  const int fd = ::dup(::fileno(program));
  const auto [transport, reader] =
      co_await connect_read_pipe(std::make_shared<Reader>, Socket(fd));
  co_await reader->ended;
  ::pclose(program);
  std::printf("another program has printed: %s", reader->text.c_str());
}

static const Demo<Coroutine<>()> demo{
    "pipes", "reads what another program prints", read_greeting};
