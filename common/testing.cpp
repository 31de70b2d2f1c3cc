#define DOCTEST_CONFIG_IMPLEMENT
#include "common/testing.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>
#include <new>
#include <string>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "common/net.hpp"
#include "common/trace.hpp"
#include "common/watchdog.hpp"

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

bool has_localhost() {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  addrinfo* found = nullptr;
  const int error = getaddrinfo("localhost", nullptr, &hints, &found);
  if (error != 0) {
    MESSAGE("skipped: this machine lacks the name localhost: "
            << std::string{gai_strerror(error)});
    return false;
  }
  freeaddrinfo(found);
  return true;
}

std::size_t allocated_bytes() {
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 33)
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
#endif
  return 0;
}

// What stands between two texts, nothing if they are not there.
static std::string between(
    const std::string& line,
    const std::string& left,
    const std::string& right
) {
  const auto begin = line.find(left);
  if (begin == line.npos) {
    return "";
  }
  const auto end = line.find(right, begin + left.size());
  return line.substr(begin + left.size(), end - begin - left.size());
}

std::vector<std::string> traced(const std::function<void()>& run) {
  const TemporaryFile file;
  trace::start(file.path().c_str());
  try {
    run();
  } catch (...) {
    trace::finish();
    throw;
  }
  trace::finish();
  // Each event has a line of its own.
  std::istringstream text(file.read());
  std::vector<std::string> events;
  for (std::string line; std::getline(text, line);) {
    const auto phase = between(line, "{\"ph\":\"", "\"");
    const auto arguments = between(line, "\"args\":{", "}");
    if (!phase.empty() && phase != "M") {
      events.push_back(phase + " " + between(line, "\"name\":\"", "\"") +
                       (arguments.empty() ? "" : " {" + arguments + "}"));
    }
  }
  return events;
}

std::vector<std::string> missing(
    const std::vector<std::string>& trace,
    const std::vector<std::string>& events
) {
  std::vector<std::string> result;
  for (const std::string& event : events) {
    const bool found = std::any_of(
        trace.begin(),
        trace.end(),
        [&](const std::string& line) { return line.rfind(event, 0) == 0; }
    );
    if (!found) {
      result.push_back(event);
    }
  }
  if (result.size() < events.size()) {
    return result;
  }
  MESSAGE("skipped: these headers leave no such traces");
  return {};
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

int start_connect(int fd, const std::string& host, int port) {
  try {
    const SocketAddress address = ensure_resolved(fd, host, port);
    return connect(fd, address.get(), address.size) == 0 ? 0 : errno;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

int connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1) {
    return errno;
  }
  return error == 0 ? kept_connect_error(fd) : error;
}

long times_asleep() {
  rusage usage = {};
  check(getrusage(RUSAGE_SELF, &usage) == 0 ? 0 : errno, "getrusage");
  return usage.ru_nvcsw;
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

namespace {

constexpr bool sanitized() {
#if defined(__SANITIZE_ADDRESS__)
  return true;
#elif defined(__has_feature)
  return __has_feature(address_sanitizer);
#else
  return false;
#endif
}

/// Less than ctest allows, which cannot say what hangs; but far more than any
/// test case takes on a busy machine.
int patience(const doctest::TestCaseData& data) {
  const bool huge =
      data.m_test_suite && std::strcmp(data.m_test_suite, "huge") == 0;
  return (huge ? 3 : 1) * (under_valgrind() ? 10 : sanitized() ? 3 : 1);
}

/// By the clock; ASYNCIO_PATIENCE names another limit.
int seconds(const doctest::TestCaseData& data) {
  const char* limit = std::getenv("ASYNCIO_PATIENCE");
  return limit != nullptr ? std::atoi(limit) : 60 * patience(data);
}

/// Gives each test case a watchdog.
class Kennel : public doctest::IReporter {
 public:
  explicit Kennel(const doctest::ContextOptions&) {}

  void test_case_start(const doctest::TestCaseData& data) override {
    const std::string name = data.m_file.c_str() +
                             (":" + std::to_string(data.m_line)) + ": \"" +
                             data.m_name + "\"";
    watchdog_.emplace(name, 20 * patience(data), seconds(data));
  }
  void test_case_end(const doctest::CurrentTestCaseStats&) override {
    watchdog_.reset();
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void log_message(const doctest::MessageData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  std::optional<Watchdog> watchdog_;
};

REGISTER_LISTENER("watchdog", 1, Kennel);

}  // namespace

int main(int argc, char** argv) {
  // As the stages' binaries do: writing to a closed socket is an error.
  std::signal(SIGPIPE, SIG_IGN);
  // What has been said is not to be lost if a test is ended.
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  return doctest::Context{argc, argv}.run();
}

// ---- FailingAllocation ------------------------------------------------------

// Allocations until the one that fails; 0 if none is to.
static thread_local long allocations_left = 0;

FailingAllocation::FailingAllocation(long k) : k_{k} { allocations_left = k; }
FailingAllocation::~FailingAllocation() { allocations_left = 0; }

bool FailingAllocation::has_failed() const { return allocations_left == 0; }

long FailingAllocation::count() const { return k_ - allocations_left; }

// clang's own for threads cannot be replaced: there nothing ever fails.
#if defined(__clang__) && defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ASYNCIO_NEW_IS_TAKEN
#endif
#endif

#ifndef ASYNCIO_NEW_IS_TAKEN
void* operator new(std::size_t size) {
  if (allocations_left > 0 && --allocations_left == 0) {
    throw std::bad_alloc();
  }
  if (void* const place = std::malloc(size == 0 ? 1 : size)) {
    return place;
  }
  throw std::bad_alloc();
}

void operator delete(void* place) noexcept { std::free(place); }
void operator delete(void* place, std::size_t) noexcept { std::free(place); }
#endif
