// One task puts ten items a second into a queue without a maxsize, and another
// task gets three a second out of it. Nothing fails, but the queue grows for as
// long as the program runs. It is a memory leak that no leak checker finds.
//
// Cure: give the queue a maxsize. Then put() waits, and the faster task goes as
// fast as the slower one.
//
// Prints:
//   without a maxsize: 700 items after 100 s
//   with a maxsize of 5: 5 items after 100 s
#include <cstdio>
#include <string>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> puts(Queue<int>* queue) {
  for (int i = 0;; ++i) {
    co_await queue->put(i);
    co_await sleep(100ms);
  }
}

static Coroutine<> gets(Queue<int>* queue) {
  while (true) {
    co_await queue->get();
    co_await sleep(Seconds(1.0 / 3));
  }
}

static Coroutine<> after_100s(std::string title, int maxsize) {
  Queue<int> queue(maxsize);
  const Task<> fast = create_task(puts(&queue));
  const Task<> slow = create_task(gets(&queue));
  co_await sleep(99950ms);
  // To the nearest ten: who is first in a round does not matter.
  const int items = static_cast<int>(queue.qsize() + 5) / 10 * 10;
  std::printf("%s: %d items after 100 s\n", title.c_str(),
              maxsize > 0 ? static_cast<int>(queue.qsize()) : items);
  fast.cancel();
  slow.cancel();
  co_await wait(fast, slow);
}

static Coroutine<> both() {
  co_await after_100s("without a maxsize", 0);
  co_await after_100s("with a maxsize of 5", 5);
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
