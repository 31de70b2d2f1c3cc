// One way through the code sets the future, another one forgets to. Whoever
// awaits it waits for ever, and nothing is reported: a future that is pending
// is nothing unusual. (Without the timer this loop would never end.)
//
// Cure: an owner that settles what is still open when it is destroyed, on every
// way out.
//
// Prints:
//   forgotten: still waiting after 1 s, <Future pending>
//   guarded: nobody answered
#include <cstdio>
#include <stdexcept>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

/// Does not go without an answer.
class Answer {
 public:
  explicit Answer(Future<int> future) : future_(std::move(future)) {}
  Answer(const Answer&) = delete;
  ~Answer() {
    if (!future_.done()) {
      future_.set_exception(std::runtime_error("nobody answered"));
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
