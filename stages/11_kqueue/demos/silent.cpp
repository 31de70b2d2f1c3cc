#include <unistd.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "asyncio.hpp"
#include "common/bench.hpp"
#include "common/command_line.hpp"

using namespace asyncio;

/// Connections on which nothing happens.
class Silent {
 public:
  Silent(BaseSelector& selector, int count) : selector_(selector) {
    for (int i = 0; i < count; ++i) {
      const auto [here, there] = stream_pair();
      fds_.push_back(here);
      fds_.push_back(there);
      selector_.register_(here, EVENT_READ);
    }
  }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  ~Silent() {
    for (const int fd : fds_) {
      selector_.forget(fd);
      ::close(fd);
    }
  }

 private:
  BaseSelector& selector_;
  std::vector<int> fds_;
};

// What it costs to send a byte, to hear of it, and to read it.
static double microseconds(BaseSelector& selector, int count) {
  const auto [here, there] = stream_pair();
  selector.register_(here, EVENT_READ);
  double result = 0;
  try {
    const Silent silent(selector, count);
    constexpr int messages = 2000;
    const auto start = cpu_ns();
    for (int i = 0; i < messages; ++i) {
      char byte = 'x';
      [[maybe_unused]] auto size = ::write(there, &byte, 1);
      selector.select(std::nullopt);
      size = ::read(here, &byte, 1);
    }
    result = static_cast<double>(cpu_ns() - start) / messages / 1000;
  } catch (const std::exception&) {
    // select() has its limit, and so has the process.
  }
  selector.forget(here);
  ::close(here);
  ::close(there);
  return result;
}

static void silent() {
  raise_descriptor_limit();
  const int counts[] = {0, 100, 400, 4000};
  std::printf("%-10s", "silent");
  for (const int count : counts) {
    std::printf("%8d", count);
  }
  for (const SelectorChoice& choice : selector_choices()) {
    std::printf("\n%-10s", choice.name);
    for (const int count : counts) {
      const auto selector = choice.create();
      const double cost = microseconds(*selector, count);
      if (cost > 0) {
        std::printf("%8.1f", cost);
      } else {
        std::printf("%8s", "-");
      }
    }
  }
  std::printf("   us\n");
}

static const Demo<void()> demo{
    "silent",
    "one connection that talks, many that do not",
    silent,
};
