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

/// How many descriptors this process has open: a test compares before and
/// after.
int open_descriptors();

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
