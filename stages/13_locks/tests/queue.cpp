#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_queue {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<> puts(Queue<int>* queue, int count) {
  for (int i = 0; i < count; ++i) {
    co_await queue->put(i);
  }
}

Coroutine<> gets(Queue<int>* queue, std::vector<int>* items, int count) {
  for (int i = 0; i < count; ++i) {
    const int item = co_await queue->get();
    items->push_back(item);
    co_await sleep(1s);
  }
}

TEST_CASE("queue: first in, first out") {
  Loop loop;
  Queue<int> queue;
  std::vector<int> items;
  loop.run_until_complete(puts(&queue, 3));
  CHECK(queue.qsize() == 3);
  loop.run_until_complete(gets(&queue, &items, 3));
  CHECK(items == std::vector{0, 1, 2});
  CHECK(queue.empty());
}

TEST_CASE("queue: a full one lets put() wait") {
  Loop loop;
  Queue<int> queue(2);
  std::vector<int> items;
  const auto putter = create_task(puts(&queue, 4), loop);
  loop.call_later(5s, [&] {
    CHECK(queue.full());
    CHECK(!putter.done());
    create_task(gets(&queue, &items, 4));
  });
  loop.run_until_idle();
  CHECK(items == std::vector{0, 1, 2, 3});
  CHECK(queue.maxsize() == 2);
}

TEST_CASE("queue: an empty one lets get() wait, the first first") {
  Loop loop;
  Queue<int> queue;
  std::vector<int> items;
  for (int i = 0; i < 3; ++i) {
    create_task(gets(&queue, &items, 1), loop);
  }
  loop.call_later(5s, [&] { create_task(puts(&queue, 3)); });
  loop.run_until_idle();
  CHECK(items == std::vector{0, 1, 2});
}

TEST_CASE("queue: a get() that was woken looks again") {
  Loop loop;
  Queue<int> queue;
  std::vector<int> items;
  create_task(gets(&queue, &items, 1), loop);
  loop.call_later(1s, [&] {
    queue.put_nowait(1);
    CHECK(queue.get_nowait() == 1);
  });
  loop.call_later(2s, [&] { queue.put_nowait(2); });
  loop.run_until_idle();
  CHECK(items == std::vector{2});
}

TEST_CASE("queue: a put() that was woken looks again") {
  Loop loop;
  Queue<int> queue(1);
  queue.put_nowait(1);
  const auto putter = create_task(puts(&queue, 1), loop);
  loop.call_later(1s, [&] {
    CHECK(queue.get_nowait() == 1);
    queue.put_nowait(2);
  });
  loop.call_later(2s, [&] { CHECK(queue.get_nowait() == 2); });
  loop.run_until_complete(putter);
  CHECK(queue.get_nowait() == 0);
}

TEST_CASE("queue: without waiting") {
  Queue<int> queue(1);
  CHECK_THROWS_AS(queue.get_nowait(), QueueEmpty);
  queue.put_nowait(1);
  CHECK_THROWS_AS(queue.put_nowait(2), QueueFull);
  CHECK(queue.get_nowait() == 1);
}

TEST_CASE("queue: without a positive maxsize it is never full") {
  for (const int maxsize : {0, -1}) {
    Queue<int> queue(maxsize);
    for (int i = 0; i < 1000; ++i) {
      queue.put_nowait(i);
    }
    CHECK(!queue.full());
  }
}

TEST_CASE("queue: items that can only be moved") {
  Loop loop;
  Queue<std::unique_ptr<int>> queue(1);
  const auto main = [&]() -> Coroutine<> {
    auto item = std::make_unique<int>(42);
    int* const address = item.get();
    co_await queue.put(std::move(item));
    const auto got = co_await queue.get();
    CHECK(got.get() == address);
    queue.put_nowait(std::make_unique<int>(1));
    CHECK(*queue.get_nowait() == 1);
  };
  loop.run_until_complete(main());
}

TEST_CASE("queue: join() waits until all is dealt with") {
  Loop loop;
  Queue<int> queue;
  const auto works = [&]() -> Coroutine<> {
    while (true) {
      co_await queue.get();
      co_await sleep(1s);
      queue.task_done();
    }
  };
  const auto main = [&]() -> Coroutine<> {
    co_await queue.join();
    co_await puts(&queue, 3);
    const auto worker = create_task(works());
    co_await queue.join();
    CHECK(get_running_loop().time() == 3s);
    worker.cancel();
  };
  loop.run_until_complete(main());
}

TEST_CASE("queue: no more reports than items") {
  Queue<int> queue;
  CHECK_THROWS_WITH(queue.task_done(), "task_done() called too many times");
  queue.put_nowait(1);
  queue.get_nowait();
  queue.task_done();
  CHECK_THROWS_WITH(queue.task_done(), "task_done() called too many times");
}

TEST_CASE("queue: a hundred thousand who wait are soon woken") {
  Loop loop;
  Queue<int> queue;
  long sum = 0;
  const auto one = [&]() -> Coroutine<> {
    const int item = co_await queue.get();
    sum += item;
  };
  for (int i = 0; i < 100'000; ++i) {
    create_task(one(), loop);
  }
  loop.call_later(1s, [&] {
    for (int i = 0; i < 100'000; ++i) {
      queue.put_nowait(1);
    }
  });
  loop.run_until_idle();
  CHECK(sum == 100'000);
}

}  // namespace test_queue
