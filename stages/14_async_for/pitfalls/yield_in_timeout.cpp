// A generator yields inside of a timeout's scope. While it is paused there, the
// clock goes on, and the timeout cancels the task that iterates: time is up in
// the middle of whatever that does, which has nothing to do with the generator.
// What comes out there is a bare CancelledError, for the scope that makes a
// TimeoutError of it has not been left. (In Python this is written in one line;
// here the scope has to be entered by hand, as the body of async_with() is a
// coroutine and cannot yield. Trio forbids it.)
//
// Cure: the scope ends before the co_yield: it limits the wait for one answer.
//
// Prints:
//   inside: answer 0
//   inside: CancelledError while the answer was being printed
//   outside: answer 0
//   outside: answer 1
//   outside: answer 2
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<int> ask(int question) {
  co_await sleep(100ms);
  co_return question;
}

static AsyncGenerator<int> inside() {
  Timeout scope = timeout(1s);
  co_await scope.aenter();
  for (int i = 0; i < 3; ++i) {
    const int answer = co_await ask(i);
    co_yield answer;
  }
  co_await scope.aexit(nullptr);
}

static AsyncGenerator<int> outside() {
  for (int i = 0; i < 3; ++i) {
    const int answer = co_await async_with(timeout(1s), ask(i));
    co_yield answer;
  }
}

static Coroutine<> print(const char* title, AsyncGenerator<int> answers) {
  while (const auto answer = co_await answers.anext()) {
    std::printf("%s: answer %d\n", title, *answer);
    try {
      co_await sleep(2s);
    } catch (const CancelledError&) {
      std::printf("%s: CancelledError while the answer was being printed\n",
                  title);
      break;
    }
  }
}

static Coroutine<> both() {
  co_await create_task(print("inside", inside()));
  co_await create_task(print("outside", outside()));
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
