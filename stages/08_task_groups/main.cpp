#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/programs.hpp"

using asyncio::Coroutine;
using asyncio::Socket;

/// Runs `program` until it ends or Ctrl-C, which is no error.
static void run_program(Coroutine<> program) {
  try {
    asyncio::run(std::move(program));
  } catch (const asyncio::KeyboardInterrupt&) {
  }
}

static Coroutine<> serve(Server<Coroutine<>(Socket)> server, int listener) {
  co_await server.run(Socket(listener));
}

int main(int argc, char** argv) {
  CommandLine line;
  line.tracing();
  for (const auto& demo : Demo<Coroutine<>()>::all()) {
    line.demo(demo.name, demo.help, [&demo] {
      run_program(demo.run());
    });
  }
  for (const auto& server : Server<Coroutine<>(Socket)>::all()) {
    line.server(server.name, server.help, [&server](int listener) {
      run_program(serve(server, listener));
    });
  }
  return line.run(argc, argv);
}
