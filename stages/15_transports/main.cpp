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
  std::vector<std::string> selectors;
  for (const auto& choice : asyncio::selector_choices()) {
    selectors.push_back(choice.name);
  }
  const std::string help =
      std::string("How to wait; kqueue is ") + kqueue_kind();
  line.option("--selector", help, selectors, [](std::string name) {
    ::setenv("ASYNCIO_SELECTOR", name.c_str(), 1);
  });
  Demo<Coroutine<>()>::run_with = [](auto demo) {
    run_program(demo());
  };
  Service<Coroutine<>(Socket)>::run_with = [](auto server, int listener) {
    run_program(serve(server, listener));
  };
  return line.run(argc, argv);
}
