#include "asyncio.hpp"
#include "common/command_line.hpp"

using asyncio::Coroutine;
using asyncio::Socket;

/// Runs `program` until it ends or Ctrl-C, which is no error.
static void run_program(Coroutine<> program) {
  try {
    asyncio::run(std::move(program));
  } catch (const asyncio::KeyboardInterrupt&) {
  }
}

static Coroutine<> serve(Coroutine<> (*server)(Socket), int listener) {
  co_await server(Socket(listener));
}

int main(int argc, char** argv) {
  CommandLine line;
  line.tracing();
  Demo<Coroutine<>()>::run_with = [](auto demo) {
    run_program(demo());
  };
  Service<Coroutine<>(Socket)>::run_with = [](auto server, int listener) {
    run_program(serve(server, listener));
  };
  return line.run(argc, argv);
}
