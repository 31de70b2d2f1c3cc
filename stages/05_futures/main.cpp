#include "asyncio.hpp"
#include "common/command_line.hpp"
#include "common/signals.hpp"

using asyncio::Coroutine;
using asyncio::EventLoop;
using asyncio::Socket;

/// Runs what `start` sets up in a loop, until it is done or Ctrl-C.
template <class Start>
static void run(const Start& start) {
  SignalPipe interrupts;
  EventLoop loop;
  loop.add_reader(interrupts.fileno(), [&] {
    interrupts.drain();
    loop.stop();
  });
  start(loop);
  loop.run_until_idle();
}

int main(int argc, char** argv) {
  CommandLine line;
  line.tracing();
  Demo<Coroutine<>()>::run_with = [](auto demo) {
    std::exception_ptr error;
    run([&](EventLoop& loop) {
      loop.set_exception_handler(
          [&](const std::string& message, std::exception_ptr exception) {
            error = exception ? exception
                              : std::make_exception_ptr(
                                    std::runtime_error(message));
            loop.stop();
          });
      create_task(demo(), loop);
    });
    if (error) {
      std::rethrow_exception(error);
    }
  };
  Service<Coroutine<>(Socket)>::run_with = [](auto server, int listener) {
    run([&](EventLoop& loop) {
      create_task(server(Socket(listener, loop)), loop);
    });
  };
  return line.run(argc, argv);
}
