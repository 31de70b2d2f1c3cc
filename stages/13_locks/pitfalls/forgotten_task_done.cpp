// A worker takes items out of a queue and never calls task_done(). join() waits
// until every item has been reported as done, so it waits for ever, even though
// the queue is empty. The same happens if an exception or a `continue` leaves
// the loop's body before the call.
//
// Cure: call task_done() once for each get(), on every way out of the loop's
// body. A destructor does that.
//
// Prints:
//   forgotten: the queue is empty, and join() still waits
//   on every way out: joined
#include <cstdio>

#include "asyncio.hpp"

using namespace asyncio;
using namespace std::chrono_literals;

static Coroutine<> forgetful(Queue<int>* queue) {
  while (true) {
    co_await queue->get();
    co_await sleep(1s);
  }
}

struct Done {
  explicit Done(Queue<int>* its_queue) : queue(its_queue) {}
  ~Done() { queue->task_done(); }
  Done(const Done&) = delete;
  Done& operator=(const Done&) = delete;

  Queue<int>* queue;
};

static Coroutine<> careful(Queue<int>* queue) {
  while (true) {
    const int item = co_await queue->get();
    const Done done(queue);
    if (item == 2) {
      continue;
    }
    co_await sleep(1s);
  }
}

static Coroutine<> join(const char* title, Coroutine<> (*worker)(Queue<int>*)) {
  Queue<int> queue;
  for (const int item : {1, 2, 3}) {
    queue.put_nowait(item);
  }
  const Task<> task = create_task(worker(&queue));
  try {
    co_await wait_for(queue.join(), 1h);
    std::printf("%s: joined\n", title);
  } catch (const TimeoutError&) {
    std::printf("%s: the queue is %s, and join() still waits\n", title,
                queue.empty() ? "empty" : "not empty");
  }
  task.cancel();
  co_await wait(task);
}

static Coroutine<> both() {
  co_await join("forgotten", forgetful);
  co_await join("on every way out", careful);
}

int main() {
  EventLoop loop;
  loop.use_virtual_clock();
  loop.run_until_complete(both());
}
