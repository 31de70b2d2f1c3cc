// Two callbacks may fill in the same future: the answer's, and a timer's, for
// when the answer takes too long. In the later one set_result() throws an
// InvalidStateError. That callback has done nothing wrong, but it fails.
//
// Cure: a callback that may be late checks done() first. (futures.py has a
// function for it: _set_result_unless_cancelled.)
//
// Prints:
//   careless: "too late"
//   reported: Exception in callback
//   careful: "too late"
#include <cstdio>
#include <string>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static void careless(Future<std::string> answer, const char* text) {
  answer.set_result(text);
}

static void careful(Future<std::string> answer, const char* text) {
  if (!answer.done()) {
    answer.set_result(text);
  }
}

using Set = void (*)(Future<std::string> answer, const char* text);

static void run(const char* what, Set set) {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.set_exception_handler([](const std::string& text, std::exception_ptr) {
    std::printf("reported: %s\n", text.c_str());
  });
  const Future<std::string> answer(loop);
  loop.call_later(2s, [=] { set(answer, "hello"); });
  loop.call_later(1s, [=] { set(answer, "too late"); });
  std::printf("%s: \"%s\"\n", what, loop.run_until_complete(answer).c_str());
  loop.run_until_idle();
}

int main() {
  run("careless", careless);
  run("careful", careful);
}
