// What the fuzzers share: the input as a stream of small numbers, and two logs
// that have to be equal.
//
// An input is a script. A fuzzer carries it out twice, with the real thing and
// with a model that is written from the documentation, and each writes down
// what it sees. The same input always does the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace fuzz {

/// The bytes of an input, one after the other; zeros when there are no more.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size)
      : next_(data), end_(data + size) {}

  bool empty() const { return next_ == end_; }

  /// A number from 0 to 255.
  int byte() { return empty() ? 0 : *next_++; }

  /// A number from 0 to `count` - 1.
  int below(int count) { return byte() % count; }

 private:
  const std::uint8_t* next_;
  const std::uint8_t* end_;
};

/// What happened, a line each.
class Log {
 public:
  void add(std::string line) { lines_.push_back(std::move(line)); }
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

/// With FUZZ_VERBOSE=1 in the environment: both logs are shown in any case.
inline bool verbose() {
  static const bool wanted = std::getenv("FUZZ_VERBOSE") != nullptr;
  return wanted;
}

/// libFuzzer keeps the input that led here.
[[noreturn]] inline void fail(const std::string& message) {
  ::dprintf(STDERR_FILENO, "FAILED: %s\n", message.c_str());
  std::abort();
}

/// Shows both logs side by side, and ends the program if they differ; within
/// the first `certain` lines, if only these are certain.
inline void compare(
    const Log& seen,
    const Log& expected,
    std::optional<std::size_t> certain = std::nullopt
) {
  const auto line = [](const Log& log, std::size_t i) {
    return i < log.lines().size() ? log.lines()[i] : "-";
  };
  const std::size_t count =
      std::max(seen.lines().size(), expected.lines().size());
  const std::size_t compared = std::min(count, certain.value_or(count));
  std::size_t equal = 0;
  while (equal < compared && line(seen, equal) == line(expected, equal)) {
    ++equal;
  }
  if (equal == compared && !verbose()) {
    return;
  }
  ::dprintf(STDERR_FILENO, "  %-50s %s\n", "SEEN", "EXPECTED");
  for (std::size_t i = 0; i < count; ++i) {
    if (i == compared) {
      ::dprintf(STDERR_FILENO, "  ---- from here on nothing is certain\n");
    }
    const std::string left = line(seen, i);
    const std::string right = line(expected, i);
    const char mark = left == right ? ' ' : '!';
    ::dprintf(
        STDERR_FILENO, "%c %-50s %s\n", mark, left.c_str(), right.c_str());
  }
  if (equal < compared) {
    fail("the logs differ, see above");
  }
}

}  // namespace fuzz
