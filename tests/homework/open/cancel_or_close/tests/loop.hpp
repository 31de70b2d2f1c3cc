// A loop whose time costs nothing, and that remembers what it reports.
#pragma once

#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "closing.hpp"
#include "common/testing.hpp"

namespace test_cancel_or_close {

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

  /// A few rounds, in which time stands still.
  void rounds(int count = 6) {
    for (int i = 0; i < count; ++i) {
      call_soon([] {});
      run_once();
    }
  }

  Log reports;
};

/// Says when it goes.
class Goodbye {
 public:
  explicit Goodbye(Log* log) : log_(log) {}
  Goodbye(const Goodbye&) = delete;
  Goodbye& operator=(const Goodbye&) = delete;
  ~Goodbye() { log_->push_back("goodbye"); }

 private:
  Log* log_;
};

inline Coroutine<> sleeper(Log* log, Seconds delay) {
  const Goodbye goodbye(log);
  co_await sleep(delay);
  log->push_back("slept");
}

}  // namespace test_cancel_or_close
