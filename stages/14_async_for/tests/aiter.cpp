#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_aiter {

using namespace asyncio;
using namespace std::chrono_literals;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

Coroutine<int> gives(int value, Seconds delay) {
  co_await sleep(delay);
  co_return value;
}

Coroutine<int> fails(Seconds delay) {
  co_await sleep(delay);
  throw std::domain_error("eels");
}

TEST_CASE("aiter: the results of as_completed(), as they come") {
  Loop loop;
  std::vector<int> seen;
  const auto main = [&]() -> Coroutine<> {
    std::vector<Coroutine<int>> works;
    works.push_back(gives(1, 3s));
    works.push_back(gives(2, 1s));
    works.push_back(gives(3, 2s));
    auto results = aiter(as_completed(std::move(works)));
    while (const auto result = co_await results.anext()) {
      seen.push_back(*result);
    }
  };
  loop.run_until_complete(main());
  CHECK(seen == std::vector{2, 3, 1});
}

TEST_CASE("aiter: an exception ends it") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    const std::vector works{create_task(gives(1, 1s)), create_task(fails(2s)),
                            create_task(gives(3, 3s))};
    auto results = aiter(as_completed(works));
    const auto first = co_await results.anext();
    CHECK(first == 1);
    std::string caught;
    try {
      co_await results.anext();
    } catch (const std::domain_error& error) {
      caught = error.what();
    }
    CHECK(caught == "eels");
    const auto third = co_await results.anext();
    CHECK_FALSE(third);
  };
  loop.run_until_complete(main());
}

TEST_CASE("aiter: results that are nothing") {
  Loop loop;
  int count = 0;
  const auto main = [&]() -> Coroutine<> {
    const std::vector works{create_task(sleep(1s)), create_task(sleep(2s))};
    auto results = aiter(as_completed(works));
    while (co_await results.anext()) {
      ++count;
    }
  };
  loop.run_until_complete(main());
  CHECK(count == 2);
}

Coroutine<> puts(Queue<int>* queue) {
  for (int i = 1; i <= 3; ++i) {
    co_await sleep(1s);
    co_await queue->put(i);
  }
}

TEST_CASE("aiter: what comes out of a queue") {
  Loop loop;
  const auto main = []() -> Coroutine<> {
    Queue<int> queue;
    const auto putting = create_task(puts(&queue));
    auto items = aiter(queue);
    for (int i = 1; i <= 3; ++i) {
      const auto item = co_await items.anext();
      CHECK(item == i);
    }
    co_await items.aclose();
    co_await putting;
  };
  loop.run_until_complete(main());
  CHECK(loop.time() == 3s);
}

}  // namespace test_aiter
