#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_queue_order {

using namespace asyncio;

template <class T>
std::vector<T> all(Queue<T>& queue) {
  std::vector<T> items;
  while (!queue.empty()) {
    items.push_back(queue.get_nowait());
  }
  return items;
}

TEST_CASE("queue_order: LifoQueue gives the newest first") {
  LifoQueue<int> queue;
  for (const int item : {3, 1, 2}) {
    queue.put_nowait(item);
  }
  CHECK(all(queue) == std::vector{2, 1, 3});
}

TEST_CASE("queue_order: PriorityQueue gives the least first") {
  PriorityQueue<int> queue;
  for (const int item : {3, 1, 5, 2, 4}) {
    queue.put_nowait(item);
  }
  CHECK(all(queue) == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("queue_order: a priority and what it is for") {
  using Item = std::pair<int, std::string>;
  PriorityQueue<Item> queue;
  queue.put_nowait(Item(2, "later"));
  queue.put_nowait(Item(1, "now"));
  CHECK(queue.get_nowait().second == "now");
}

struct Job {
  int priority;
  std::unique_ptr<std::string> what;

  bool operator>(const Job& other) const { return priority > other.priority; }
};

TEST_CASE("queue_order: items that can only be moved") {
  PriorityQueue<Job> queue;
  for (const int priority : {3, 1, 2}) {
    queue.put_nowait(
        Job{priority, std::make_unique<std::string>(priority, 'x')});
  }
  CHECK(*queue.get_nowait().what == "x");
  CHECK(*queue.get_nowait().what == "xx");
  CHECK(*queue.get_nowait().what == "xxx");
}

TEST_CASE("queue_order: an order of one's own") {
  class Alternating : public Queue<int> {
   protected:
    void store(int item) override {
      if (qsize() % 2 == 0) {
        queue_.push_front(item);
      } else {
        queue_.push_back(item);
      }
    }
  };
  Alternating queue;
  for (const int item : {1, 2, 3}) {
    queue.put_nowait(item);
  }
  CHECK(all(queue) == std::vector{3, 1, 2});
}

}  // namespace test_queue_order
