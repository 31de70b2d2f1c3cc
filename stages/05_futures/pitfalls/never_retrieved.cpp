// Work fails in the background, and nobody asks for its result. The report of
// it comes when the last who holds the future lets go. Until then somebody
// could still ask; kept in a list for ever, it is never reported.
//
// Cure: do not keep what nobody will ask, or look at it when it is done, in a
// callback.
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
