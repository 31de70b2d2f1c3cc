// What idea tests include: doctest, and a few helpers.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

// doctest shows {?} for these, and then nobody sees what was there.
namespace doctest {

template <class T>
struct StringMaker<std::vector<T>> {
  static String convert(const std::vector<T>& values) {
    String text = "[";
    const char* comma = "";
    for (const T& value : values) {
      text += comma + toString(value);
      comma = ", ";
    }
    return text + "]";
  }
};

template <class T>
struct StringMaker<std::optional<T>> {
  static String convert(const std::optional<T>& value) {
    return value ? toString(*value) : "nothing";
  }
};

template <>
struct StringMaker<std::nullopt_t> {
  static String convert(std::nullopt_t) { return "nothing"; }
};

}  // namespace doctest

/// Runs it on a thread of its own with a stack of that many bytes, and waits.
/// An exception comes back to the caller.
void on_small_stack(std::size_t bytes, const std::function<void()>& run);

/// Whether ctest runs this under valgrind.
bool under_valgrind();

/// Whether "localhost" means an IPv4 address here. If not it says so, in a line
/// that scripts/test shows at the end, and the test that asked returns.
bool has_localhost();

/// How many descriptors this process has open: a test compares before and
/// after.
int open_descriptors();

/// How many bytes malloc has handed out, where it tells (glibc, and without
/// sanitizers or valgrind); elsewhere always the same.
std::size_t allocated_bytes();

/// What a trace of `run` says, an entry for each event: its phase, its name,
/// and its arguments if it has any.
std::vector<std::string> traced(const std::function<void()>& run);

/// Those of `events` that a trace lacks; they may be cut short. None either if
/// it has none of them at all, and then says so: whoever types a lesson may
/// leave out what is only for traces.
std::vector<std::string> missing(
    const std::vector<std::string>& trace,
    const std::vector<std::string>& events
);

/// Begins to connect a non-blocking socket. Returns 0, or errno: EINPROGRESS
/// means that connect_error(fd) tells once fd can be written to.
int start_connect(int fd, const std::string& host, int port);

/// The outcome of a connection attempt: 0, or errno.
int connect_error(int fd);

/// How often this process has gone to sleep, rather than been interrupted.
long times_asleep();

/// A file name in the temporary folder; the file is removed at the end.
class TemporaryFile {
 public:
  TemporaryFile();
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }
  std::string read() const;

 private:
  std::string path_;
};

/// Lets the k-th allocation of this thread fail, counted from here on: once,
/// with std::bad_alloc.
class FailingAllocation {
 public:
  explicit FailingAllocation(long k);
  ~FailingAllocation();
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;

  bool has_failed() const;

  /// How many there have been, k at most.
  long count() const;

 private:
  long k_;
};
