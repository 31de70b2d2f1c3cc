// Work fails in the background, and no code asks for its result. The failure is
// reported when the last owner of the future is destroyed, since until then an
// owner could still ask. A future in a list for ever is never reported.
//
// Cure: do not keep futures that are never asked. Or ask for the exception in a
// done callback.
//
// Prints:
//   the work has failed
//   one hour later
//   the list is emptied
//   reported: Future exception was never retrieved
//   asked at once: disk full
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> work(Future<> done) {
  co_await sleep(1s);
  done.set_exception(std::runtime_error("disk full"));
}

static Future<> start(EventLoop& loop) {
  const Future<> done(loop);
  create_task(work(done), loop);
  return done;
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.set_exception_handler([](const std::string& text, std::exception_ptr) {
    std::printf("reported: %s\n", text.c_str());
  });
  std::vector<Future<>> background = {start(loop)};
  loop.run_until_idle();
  std::printf("the work has failed\n");
  loop.call_later(1h, [] { std::printf("one hour later\n"); });
  loop.run_until_idle();
  std::printf("the list is emptied\n");
  background.clear();
  start(loop).add_done_callback([](Future<> done) {
    if (done.exception()) {
      std::printf("asked at once: %s\n", describe(done.exception()).c_str());
    }
  });
  loop.run_until_idle();
}
