// What idea tests include: doctest, and a few helpers.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include <doctest/doctest.h>

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
