// One path through the code sets the future, another forgets to. A coroutine
// that awaits it waits for ever, and nothing is reported, because a pending
// future is nothing unusual. (Without the timer this loop would never end.)
//
// Cure: a guard whose destructor sets the future on every way out, if it is
// still pending.
//
// Prints:
//   forgotten: still waiting after 1 s, <Future pending>
//   guarded: no answer came
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Its destructor sets the future, if it is still pending.
class Answer {
 public:
  explicit Answer(Future<int> future) : future_(std::move(future)) {}
  Answer(const Answer&) = delete;
  ~Answer() {
    if (!future_.done()) {
      future_.set_exception(std::runtime_error("no answer came"));
    }
  }

 private:
  Future<int> future_;
};

static Coroutine<> forgetful(Future<int> answer, int number) {
  co_await sleep(100ms);
  if (number > 0) {
    answer.set_result(number);
  }
}

static Coroutine<> guarded(Future<int> answer, int number) {
  const Answer guard(answer);
  co_await forgetful(answer, number);
}

static void run(const char* what, Coroutine<> (*work)(Future<int>, int)) {
  EventLoop loop;
  const Future<int> answer(loop);
  create_task(work(answer, 0), loop);
  loop.call_later(1s, [&] { loop.stop(); });
  try {
    std::printf("%s: %d\n", what, loop.run_until_complete(answer));
  } catch (const std::runtime_error& error) {
    if (answer.done()) {
      std::printf("%s: %s\n", what, error.what());
    } else {
      std::printf("%s: still waiting after 1 s, %s\n", what,
                  to_string(answer).c_str());
    }
  }
}

int main() {
  run("forgotten", forgetful);
  run("guarded", guarded);
}
