#include "common/command_line.hpp"
#include "common/signals.hpp"
#include "event_loop.hpp"

using asyncio::EventLoop;

/// Runs what `start` sets up in a loop, until Ctrl-C.
template <class Start>
static void run(const Start& start) {
  SignalPipe interrupts;
  EventLoop loop;
  loop.add_reader(interrupts.fileno(), [&] {
    interrupts.drain();
    loop.stop();
  });
  start(loop);
  loop.run_forever();
}

int main(int argc, char** argv) {
  CommandLine line;
  line.tracing();
  Service<void(EventLoop&, int)>::run_with = [](auto server, int listener) {
    run([&](EventLoop& loop) { server(loop, listener); });
  };
  return line.run(argc, argv);
}
