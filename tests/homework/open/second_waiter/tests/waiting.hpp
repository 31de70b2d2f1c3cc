// Helpers: two connected sockets, and a loop that gives up.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <utility>
#include <vector>

#include "asyncio.hpp"
#include "common/testing.hpp"

namespace test_waiting {

using namespace asyncio;
using namespace std::chrono_literals;
using Log = std::vector<std::string>;

struct Pair {
  Pair() : Pair(stream_pair()) {}
  explicit Pair(std::pair<int, int> ends)
      : here(ends.first), there(ends.second) {}
  ~Pair() {
    ::close(here);
    ::close(there);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  /// Makes `here` readable.
  void send() const { CHECK(::send(there, "x", 1, 0) == 1); }

  const int here;
  const int there;
};

/// Remembers what it reports, and ends after a minute that takes no time.
struct Loop : EventLoop {
  Loop() {
    use_virtual_clock();
    set_exception_handler(
        [this](const std::string& message, std::exception_ptr) {
          reports.push_back(message);
        });
  }
  ~Loop() { close(); }

  void run() {
    bool in_time = true;
    TimerHandle limit = call_later(60s, [&] {
      in_time = false;
      stop();
    });
    // The limit itself is no work: it goes with the last that is.
    while (in_time && !all_tasks(*this).empty()) {
      run_once();
    }
    limit.cancel();
    CHECK_MESSAGE(in_time, "somebody waits for ever");
  }

  Log reports;
};

inline Coroutine<> wait_for(Log* log, std::string name, int fd, int event) {
  if (event == EVENT_READ) {
    co_await wait_readable(fd);
  } else {
    co_await wait_writable(fd);
  }
  log->push_back(name);
}

}  // namespace test_waiting
