// A loop whose time costs nothing, and that remembers what it reports.
#pragma once

#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/describe.hpp"
#include "common/testing.hpp"
#include "nursery.hpp"

namespace test_nursery {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Loop : EventLoop {
  Loop() {
    use_virtual_clock();
    set_exception_handler(
        [this](const std::string& message, std::exception_ptr) {
          reports.push_back(message);
        });
  }
  ~Loop() { close(); }

  /// Runs it for a day at most. Returns the task, which is done by then.
  Task<> run(Coroutine<> main) {
    const Task<> task = create_task(std::move(main), *this);
    task.add_done_callback([this] { stop(); });
    const TimerHandle limit = call_later(24h, [this] { stop(); });
    run_forever();
    TimerHandle(limit).cancel();
    CHECK_MESSAGE(task.done(), "it takes for ever");
    return task;
  }

  Log reports;
};

inline Coroutine<> child(Log* log, std::string name, Seconds delay) {
  try {
    co_await sleep(delay);
  } catch (const CancelledError&) {
    log->push_back(name + " cancelled");
    throw;
  }
  log->push_back(name);
}

inline Coroutine<> fails(std::string text, Seconds delay) {
  co_await sleep(delay);
  throw std::runtime_error(text);
}

/// What each exception of the group that `task` has failed with says.
inline Log errors_of(const Task<>& task) {
  Log texts;
  try {
    task.result();
  } catch (const ExceptionGroup& group) {
    for (const auto& error : group.exceptions()) {
      texts.push_back(describe(error));
    }
  } catch (const CancelledError&) {
    texts.push_back("CancelledError");
  } catch (const std::exception& error) {
    texts.push_back(std::string("no group: ") + error.what());
  }
  return texts;
}

}  // namespace test_nursery
