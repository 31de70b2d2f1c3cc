#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_shutdown_asyncgens {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;
using Kept = std::vector<AsyncGenerator<int>>;

AsyncGenerator<int> cleans_up(Log* log, std::string name, Seconds delay) {
  std::exception_ptr exception;
  try {
    co_yield 1;
  } catch (...) {
    exception = std::current_exception();
  }
  co_await sleep(delay);
  log->push_back(name);
  if (exception) {
    std::rethrow_exception(exception);
  }
}

AsyncGenerator<int> fails() {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
    throw std::domain_error("eels");
  }
}

Coroutine<> begins(Kept* kept, Log* log) {
  kept->push_back(cleans_up(log, "slow", 2s));
  kept->push_back(cleans_up(log, "quick", 1s));
  kept->push_back(cleans_up(log, "not begun", 1s));
  co_await kept->at(0).anext();
  co_await kept->at(1).anext();
}

TEST_CASE("shutdown_asyncgens: closes at once all that are half-way") {
  EventLoop loop;
  loop.use_virtual_clock();
  Kept kept;
  Log log;
  loop.run_until_complete(begins(&kept, &log));
  CHECK(loop.asyncgens().size() == 2);
  loop.run_until_complete(shutdown_asyncgens(loop));
  CHECK(log == Log{"quick", "slow"});
  CHECK(loop.time() == 2s);
  CHECK(loop.asyncgens().empty());
}

TEST_CASE("shutdown_asyncgens: run() does it") {
  Kept kept;
  Log log;
  Runner runner;
  runner.get_loop().use_virtual_clock();
  runner.run(begins(&kept, &log));
  CHECK(log.empty());
  runner.close();
  CHECK(log == Log{"quick", "slow"});
}

AsyncGenerator<int> cleans_up_in_a_thread(Log* log) {
  try {
    co_yield 1;
  } catch (const GeneratorExit&) {
  }
  const auto clean_up = [log] { log->push_back("in a thread"); };
  co_await to_thread(clean_up);
}

TEST_CASE("shutdown_asyncgens: the loop still has its threads then") {
  Log log;
  const auto generator = cleans_up_in_a_thread(&log);
  run(generator.anext());
  CHECK(log == Log{"in a thread"});
}

TEST_CASE("shutdown_asyncgens: reports what they throw") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  loop.set_exception_handler(
      [&](const std::string& message, std::exception_ptr exception) {
        log.push_back(message + ": " + describe(exception));
      });
  const auto generator = fails();
  loop.run_until_complete(generator.anext());
  loop.run_until_complete(shutdown_asyncgens(loop));
  CHECK(log == Log{"an error occurred during closing of asynchronous "
                   "generator <fails>: eels"});
}

TEST_CASE("shutdown_asyncgens: the loop does not keep them") {
  EventLoop loop;
  loop.use_virtual_clock();
  Log log;
  {
    const auto generator = cleans_up(&log, "dropped", 1s);
    loop.run_until_complete(generator.anext());
    CHECK(loop.asyncgens().size() == 1);
  }
  CHECK(loop.asyncgens().empty());
  loop.run_until_idle();
  CHECK(log == Log{"dropped"});
  {
    const auto generator = cleans_up(&log, "ended", 1s);
    while (loop.run_until_complete(generator.anext())) {
    }
  }
  CHECK(loop.asyncgens().empty());
}

TEST_CASE("shutdown_asyncgens: one may outlive its loop") {
  Kept kept;
  Log log;
  {
    EventLoop loop;
    loop.use_virtual_clock();
    loop.run_until_complete(begins(&kept, &log));
  }
  kept.erase(kept.begin(), kept.begin() + 2);
  CHECK(log.empty());
}

}  // namespace test_shutdown_asyncgens
