#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_dropped {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() { use_virtual_clock(); }
};

/// As what is destroyed says of itself.
struct Witness {
  explicit Witness(Log* its_log) : log(its_log) {}
  Witness(const Witness&) = delete;
  Witness& operator=(const Witness&) = delete;
  ~Witness() { log->push_back("gone"); }

  Log* log;
};

AsyncGenerator<int> cleans_up(Log* log) {
  const Witness witness(log);
  std::exception_ptr exception;
  try {
    for (int i = 1; true; ++i) {
      co_yield i;
    }
  } catch (...) {
    exception = std::current_exception();
  }
  log->push_back("begins to clean up");
  co_await sleep(1s);
  log->push_back("is clean");
  std::rethrow_exception(exception);
}

Coroutine<> breaks(Log* log) {
  auto numbers = cleans_up(log);
  while (const auto number = co_await numbers.anext()) {
    if (*number == 2) {
      break;
    }
  }
}

TEST_CASE("dropped: a task of the loop closes it, after whoever dropped it") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    co_await breaks(&log);
    log.push_back("dropped");
    co_await sleep(5s);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"dropped", "begins to clean up", "is clean", "gone"});
}

TEST_CASE("dropped: one that has not begun, has ended or was closed") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    { const auto numbers = cleans_up(&log); }
    {
      const auto numbers = cleans_up(&log);
      co_await numbers.anext();
      co_await numbers.aclose();
    }
    log.push_back("dropped");
    CHECK(all_tasks().size() == 1);
    co_await sleep(0s);
    co_await sleep(0s);
    CHECK(all_tasks().size() == 1);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"begins to clean up", "is clean", "gone", "dropped"});
}

AsyncGenerator<int> fails_at_the_end() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    throw std::domain_error("eels");
  }
}

TEST_CASE("dropped: what its body throws then is reported") {
  Loop loop;
  Log log;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr) {
        log.push_back(message);
      });
  const auto main = [&]() -> Coroutine<> {
    {
      const auto numbers = fails_at_the_end();
      co_await numbers.anext();
    }
    co_await sleep(1s);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"Task exception was never retrieved"});
}

AsyncGenerator<int> refuses_to_end(int* requests) {
  while (*requests < 10) {
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
      ++*requests;
    }
  }
}

TEST_CASE("dropped: one that refuses to end is asked by a task only once") {
  Loop loop;
  Log log;
  int requests = 0;
  loop.set_exception_handler(
      [&](const std::string&, std::exception_ptr exception) {
        log.push_back(describe(exception));
      });
  const auto main = [&]() -> Coroutine<> {
    {
      const auto numbers = refuses_to_end(&requests);
      co_await numbers.anext();
    }
    co_await sleep(1s);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"async generator ignored GeneratorExit"});
  CHECK(requests < 10);
}

AsyncGenerator<int> says(Log* log) {
  const Witness witness(log);
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    log->push_back("GeneratorExit");
    throw;
  }
}

TEST_CASE("dropped: without a loop its body hears of it at once") {
  Log log;
  std::optional<AsyncGenerator<int>> numbers;
  {
    Loop loop;
    numbers.emplace(says(&log));
    CHECK(loop.run_until_complete(numbers->anext()) == 1);
  }
  CHECK(log.empty());
  numbers.reset();
  CHECK(log == Log{"GeneratorExit", "gone"});
}

TEST_CASE("dropped: without a loop its body cannot wait") {
  Log log;
  std::optional<AsyncGenerator<int>> numbers;
  {
    Loop loop;
    numbers.emplace(cleans_up(&log));
    CHECK(loop.run_until_complete(numbers->anext()) == 1);
  }
  // sleep() throws, as there is no loop: that is said on stderr.
  numbers.reset();
  CHECK(log == Log{"begins to clean up", "gone"});
}

AsyncGenerator<int> never_ends(Log* log, Future<> future) {
  const Witness witness(log);
  bool has_to_end = false;
  while (true) {
    if (has_to_end) {
      co_await future;
    }
    try {
      co_yield 1;
    } catch (const GeneratorExit&) {
      has_to_end = true;
    }
  }
}

TEST_CASE("dropped: without a loop a body that waits is destroyed") {
  Log log;
  std::optional<AsyncGenerator<int>> numbers;
  std::optional<Future<>> future;
  {
    Loop loop;
    future.emplace(loop);
    numbers.emplace(never_ends(&log, *future));
    CHECK(loop.run_until_complete(numbers->anext()) == 1);
  }
  numbers.reset();
  CHECK(log == Log{"gone"});
}

TEST_CASE("dropped: while its loop closes") {
  Log log;
  {
    Loop loop;
    const auto main = [&]() -> Coroutine<> {
      const auto numbers = says(&log);
      co_await numbers.anext();
      co_await sleep(1h);
    };
    loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
    const auto task = create_task(main(), loop);
    loop.run_once();
    loop.close();
  }
  CHECK(log == Log{"GeneratorExit", "gone"});
}

TEST_CASE("dropped: its loop closes before the task has begun") {
  for (int rounds = 0; rounds < 4; ++rounds) {
    Log log;
    {
      Loop loop;
      loop.set_exception_handler([](const std::string&, std::exception_ptr) {});
      loop.run_until_complete(breaks(&log));
      for (int i = 0; i < rounds; ++i) {
        loop.run_once();
      }
      loop.close();
    }
    INFO("rounds: " << rounds);
    CHECK(log.back() == "gone");
  }
}

TEST_CASE("dropped: by a body that is the last to hold it") {
  Loop loop;
  Log log;
  const auto main = [&]() -> Coroutine<> {
    auto inner = std::make_unique<AsyncGenerator<int>>(says(&log));
    co_await inner->anext();
    const auto drops =
        [](std::unique_ptr<AsyncGenerator<int>> held) -> AsyncGenerator<int> {
      held.reset();
      co_yield 1;
    };
    auto outer = drops(std::move(inner));
    co_await outer.anext();
    CHECK(log.empty());
    co_await sleep(1s);
  };
  loop.run_until_complete(main());
  CHECK(log == Log{"GeneratorExit", "gone"});
}

}  // namespace test_dropped
