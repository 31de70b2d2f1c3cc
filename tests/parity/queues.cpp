// Queues: what is put in, who gets it, and who waits for whom.
//
// Stage: 13
#include "parity.hpp"
#include "queues.hpp"

using namespace asyncio;
using namespace parity;
using namespace std::chrono_literals;

namespace {

Coroutine<> puts(Queue<int>* queue, std::vector<int> items) {
  for (const int item : items) {
    try {
      co_await queue->put(item);
    } catch (const CancelledError&) {
      say(now(), "put", item, "cancelled");
      throw;
    }
    say(now(), "put", item);
  }
}

Coroutine<> gets(Queue<int>* queue, std::string label, int count = 1) {
  for (int i = 0; i < count; ++i) {
    int item = 0;
    try {
      item = co_await queue->get();
    } catch (const CancelledError&) {
      say(now(), label, "cancelled");
      throw;
    }
    say(now(), label, "got", item);
  }
}

std::vector<Task<>> start(Queue<int>* queue, std::vector<std::string> labels) {
  std::vector<Task<>> tasks;
  for (const std::string& label : labels) {
    tasks.push_back(create_task(gets(queue, label)));
  }
  return tasks;
}

std::vector<Task<>> start_putting(Queue<int>* queue) {
  std::vector<Task<>> tasks;
  for (const int i : {1, 2, 3}) {
    tasks.push_back(create_task(puts(queue, {i})));
  }
  return tasks;
}

void size(const Queue<int>& queue) {
  say(queue.qsize(), queue.empty(), queue.full());
}

Coroutine<> end(std::vector<Task<>> tasks) {
  co_await wait(tasks);
  std::string text = now();
  for (const Task<>& task : tasks) {
    text += task.cancelled() ? " True" : " False";
  }
  say(text);
}

/// Both, one after the other.
void say_two(Queue<int>& queue) {
  const int first = queue.get_nowait();
  say(first, queue.get_nowait());
}

}  // namespace

PARITY(first_in_first_out) {
  Queue<int> queue;
  size(queue);
  const std::vector three{3, 1, 2};
  co_await puts(&queue, three);
  size(queue);
  co_await gets(&queue, "a", 3);
  say(queue.maxsize());
}

PARITY(last_in_first_out) {
  LifoQueue<int> queue;
  const std::vector three{3, 1, 2};
  co_await puts(&queue, three);
  co_await gets(&queue, "a", 3);
}

PARITY(the_least_first) {
  PriorityQueue<int> queue;
  const std::vector five{3, 1, 5, 2, 4};
  co_await puts(&queue, five);
  co_await gets(&queue, "a", 2);
  const std::vector more{0, 9};
  co_await puts(&queue, more);
  co_await gets(&queue, "a", 5);
}

PARITY(without_waiting) {
  Queue<int> queue(2);
  say(raises([&] { return queue.get_nowait(); }));
  queue.put_nowait(1);
  queue.put_nowait(2);
  size(queue);
  say(raises([&] {
    queue.put_nowait(3);
    return 0;
  }));
  say_two(queue);
  size(queue);
  co_return;
}

PARITY(no_limit_is_none) {
  for (const int maxsize : {0, -1}) {
    Queue<int> queue(maxsize);
    for (int i = 0; i < 100; ++i) {
      queue.put_nowait(i);
    }
    size(queue);
  }
  co_return;
}

PARITY(who_puts_waits_for_room) {
  Queue<int> queue(2);
  const auto task = create_task(puts(&queue, {1, 2, 3, 4}));
  co_await sleep(1s);
  size(queue);
  co_await gets(&queue, "a");
  co_await sleep(1s);
  co_await gets(&queue, "a", 3);
  co_await task;
}

PARITY(who_gets_waits_for_an_item) {
  Queue<int> queue;
  const auto tasks = start(&queue, {"a", "b", "c"});
  for (const int item : {1, 2, 3}) {
    co_await sleep(1s);
    co_await queue.put(item);
  }
  co_await end(tasks);
}

PARITY(items_put_at_once_wake_as_many) {
  Queue<int> queue;
  const auto tasks = start(&queue, {"a", "b", "c"});
  co_await sleep(1s);
  for (const int item : {1, 2, 3}) {
    queue.put_nowait(item);
  }
  co_await end(tasks);
}

PARITY(one_that_comes_late_may_take_it) {
  Queue<int> queue;
  const auto tasks = start(&queue, {"waits"});
  co_await sleep(1s);
  queue.put_nowait(1);
  co_await gets(&queue, "late");
  co_await sleep(1s);
  queue.put_nowait(2);
  co_await end(tasks);
}

PARITY(a_cancelled_getter_leaves_the_line) {
  Queue<int> queue;
  const auto tasks = start(&queue, {"a", "b"});
  co_await sleep(1s);
  tasks[0].cancel();
  queue.put_nowait(1);
  co_await end(tasks);
}

PARITY(a_getter_is_cancelled_as_it_is_woken) {
  Queue<int> queue;
  const auto tasks = start(&queue, {"a", "b"});
  co_await sleep(1s);
  queue.put_nowait(1);
  tasks[0].cancel();
  co_await end(tasks);
  size(queue);
}

PARITY(the_only_getter_is_cancelled_as_it_is_woken) {
  Queue<int> queue;
  const auto tasks = start(&queue, {"a"});
  co_await sleep(1s);
  queue.put_nowait(1);
  tasks[0].cancel();
  co_await end(tasks);
  size(queue);
  co_await gets(&queue, "main");
}

PARITY(a_putter_is_cancelled) {
  Queue<int> queue(1);
  const auto tasks = start_putting(&queue);
  co_await sleep(1s);
  tasks[1].cancel();
  co_await gets(&queue, "a", 2);
  co_await end(tasks);
}

PARITY(a_putter_is_cancelled_as_it_is_woken) {
  Queue<int> queue(1);
  const auto tasks = start_putting(&queue);
  co_await sleep(1s);
  say(queue.get_nowait());
  tasks[1].cancel();
  co_await end(tasks);
  say(queue.get_nowait());
}

namespace {

Coroutine<> works_twice(Queue<int>* queue) {
  for (int i = 0; i < 2; ++i) {
    const int item = co_await queue->get();
    say(now(), item);
    co_await sleep(1s);
    queue->task_done();
  }
}

}  // namespace

PARITY(join_waits_for_task_done) {
  Queue<int> queue;
  const std::vector two{1, 2};
  co_await puts(&queue, two);
  const auto task = create_task(works_twice(&queue));
  co_await queue.join();
  say(now(), "joined");
  co_await task;
  co_await queue.join();
}

PARITY(task_done_too_often) {
  Queue<int> queue;
  try {
    queue.task_done();
  } catch (const std::invalid_argument&) {
    say(name(std::current_exception()));
  }
  queue.put_nowait(1);
  queue.task_done();
  say(raises([&] {
    queue.task_done();
    return 0;
  }));
  size(queue);
  co_return;
}

namespace {

Coroutine<> joins(Queue<int>* queue, std::string label) {
  co_await queue->join();
  say(now(), label);
}

}  // namespace

PARITY(several_join) {
  Queue<int> queue;
  queue.put_nowait(1);
  std::vector<Task<>> tasks;
  for (const char* label : {"a", "b", "c"}) {
    tasks.push_back(create_task(joins(&queue, label)));
  }
  co_await sleep(1s);
  queue.task_done();
  queue.put_nowait(2);
  co_await end(tasks);
}

PARITY(a_time_limit_for_a_get) {
  Queue<int> queue;
  try {
    co_await wait_for(queue.get(), 1s);
  } catch (const TimeoutError&) {
    say(now(), "TimeoutError");
  }
  get_running_loop().call_later(500ms, [&] { queue.put_nowait(7); });
  const int item = co_await wait_for(queue.get(), 1s);
  say(item, now());
}

namespace {

Coroutine<> doubles(Queue<int>* first, Queue<int>* second) {
  while (true) {
    const int item = co_await first->get();
    co_await second->put(2 * item);
  }
}

}  // namespace

PARITY(a_pipe_of_two) {
  Queue<int> first(1);
  Queue<int> second(1);
  const auto task = create_task(doubles(&first, &second));
  const auto source = create_task(puts(&first, {1, 2, 3, 4, 5}));
  co_await gets(&second, "a", 5);
  task.cancel();
  const std::vector tasks{task, source};
  co_await end(tasks);
}

namespace {

Coroutine<> works(Queue<int>* queue, std::string label) {
  while (true) {
    const int delay = co_await queue->get();
    co_await sleep(Seconds(delay));
    say(now(), label, delay);
    queue->task_done();
  }
}

}  // namespace

PARITY(three_workers) {
  Queue<int> queue;
  for (const int delay : {2, 1, 3, 1, 2, 1}) {
    queue.put_nowait(delay);
  }
  std::vector<Task<>> tasks;
  for (const char* label : {"a", "b", "c"}) {
    tasks.push_back(create_task(works(&queue, label)));
  }
  co_await queue.join();
  for (const Task<>& task : tasks) {
    task.cancel();
  }
  co_await end(tasks);
}

namespace {

Coroutine<> gets_late(Queue<int>* queue) {
  get_running_loop().call_later(1s, [queue] { queue->put_nowait(1); });
  const int item = co_await queue->get();
  say(item);
}

}  // namespace

PARITY_PLAIN(one_queue_in_two_loops) {
  Queue<int> queue;
  for (int i = 0; i < 2; ++i) {
    try {
      run(gets_late(&queue));
    } catch (const std::logic_error& error) {
      const std::string text = error.what();
      say(text.find("bound to a different event loop") != text.npos);
    }
  }
}
