#define DOCTEST_CONFIG_IMPLEMENT
#include "common/testing.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace {

struct Job {
  const std::function<void()>& run;
  std::exception_ptr error;
};

void* run_job(void* argument) {
  auto* job = static_cast<Job*>(argument);
  try {
    job->run();
  } catch (...) {
    job->error = std::current_exception();
  }
  return nullptr;
}

void check(int error, const char* what) {
  if (error != 0) {
    throw std::system_error{error, std::generic_category(), what};
  }
}

}  // namespace

void on_small_stack(std::size_t bytes, const std::function<void()>& run) {
  pthread_attr_t attributes;
  check(pthread_attr_init(&attributes), "pthread_attr_init");
  Job job{run, nullptr};
  pthread_t thread{};
  int error = pthread_attr_setstacksize(&attributes, bytes);
  if (error == 0) {
    error = pthread_create(&thread, &attributes, run_job, &job);
  }
  pthread_attr_destroy(&attributes);
  check(error, "a thread with a small stack");
  check(pthread_join(thread, nullptr), "pthread_join");
  if (job.error) {
    std::rethrow_exception(job.error);
  }
}

bool under_valgrind() {
  return std::getenv("ASYNCIO_UNDER_VALGRIND") != nullptr;
}

// libkqueue closes some of a queue's descriptors later, in a thread.
static bool belongs_to_library([[maybe_unused]] int fd) {
#ifdef ASYNCIO_LIBKQUEUE
  char target[32] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  if (readlink(link.c_str(), target, sizeof target - 1) > 0) {
    return std::string(target).rfind("anon_inode:", 0) == 0;
  }
#endif
  return false;
}

// Those that may be open. Linux has a list; elsewhere all numbers are tried.
static std::vector<int> candidates() {
  std::vector<int> numbers;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc/self/fd", error)) {
    numbers.push_back(std::stoi(entry.path().filename().string()));
  }
  if (numbers.empty()) {
    // Tests open few; without a bound a limit of millions would take long.
    const long limit = std::min(sysconf(_SC_OPEN_MAX), 65536L);
    numbers.resize(static_cast<std::size_t>(std::max(limit, 0L)));
    std::iota(numbers.begin(), numbers.end(), 0);
  }
  return numbers;
}

int open_descriptors() {
  int count = 0;
  for (const int fd : candidates()) {
    if (fcntl(fd, F_GETFD) != -1 && !belongs_to_library(fd)) {
      ++count;
    }
  }
  return count;
}

TemporaryFile::TemporaryFile() {
  const char* folder = std::getenv("TMPDIR");
  path_ = std::string{folder != nullptr ? folder : "/tmp"} + "/test.XXXXXX";
  const int fd = mkstemp(path_.data());
  if (fd == -1) {
    check(errno, "mkstemp");
  }
  close(fd);
}

TemporaryFile::~TemporaryFile() { unlink(path_.c_str()); }

std::string TemporaryFile::read() const {
  std::ostringstream text;
  text << std::ifstream{path_}.rdbuf();
  return text.str();
}

int main(int argc, char** argv) {
  // As the stages' binaries do: writing to a closed socket is an error.
  std::signal(SIGPIPE, SIG_IGN);
  return doctest::Context{argc, argv}.run();
}
