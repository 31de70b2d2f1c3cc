#include "common/trace.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <system_error>

#include <sys/wait.h>
#include <unistd.h>

#include "common/testing.hpp"

namespace {

int count(const std::string& text, const std::string& part) {
  int result = 0;
  for (auto at = text.find(part); at != text.npos;) {
    ++result;
    at = text.find(part, at + part.size());
  }
  return result;
}

// Python's parser is the judge of what is JSON; without it, the brackets.
bool is_json(const TemporaryFile& file) {
  static const bool python =
      std::system("python3 -c pass 2>/dev/null") == 0;
  if (python) {
    const auto command = "python3 -m json.tool " + file.path() + " /dev/null";
    return std::system(command.c_str()) == 0;
  }
  const auto text = file.read();
  return count(text, "{") == count(text, "}") && text.ends_with("]}\n");
}

}  // namespace

TEST_CASE("nothing happens while it is off") {
  CHECK(!trace::on);
  trace::Round round;
  trace::Span span{"span", "key", 1};
  span.add("other", "x");
  trace::Step step{&span};
  trace::born(&span, "task");
  trace::waits(&span, "readable", 5, 10);
  trace::done(&span);
  trace::instant("timer set", "when", 1.5);
  trace::finish();
}

TEST_CASE("spans nest, take arguments and are numbered") {
  TemporaryFile file;
  trace::start(file.path().c_str());
  CHECK(trace::on);
  for (int i = 0; i < 2; ++i) {
    trace::Round round;
    std::optional<std::chrono::duration<double>> timeout;
    if (i == 1) {
      timeout = std::chrono::milliseconds{1500};
    }
    trace::Wait wait{timeout};
    wait.add("ready", 3u);
    trace::instant("ready", "fd", 7, "events", "read");
    trace::counter("handles", 12);
  }
  trace::finish();
  CHECK(!trace::on);
  CHECK(is_json(file));
  const auto text = file.read();
  CHECK(count(text, "\"round 1\"") == 1);
  CHECK(count(text, "\"round 2\"") == 1);
  CHECK(count(text, "{\"timeout\":\"none\",\"ready\":3}") == 1);
  CHECK(count(text, "{\"timeout\":1.5,\"ready\":3}") == 1);
  CHECK(count(text, "{\"fd\":7,\"events\":\"read\"}") == 2);
  CHECK(count(text, "\"ph\":\"X\"") == 4);
  CHECK(count(text, "{\"handles\":12}") == 2);
}

TEST_CASE("a task's track: ready, running, waiting, its end") {
  TemporaryFile file;
  int task = 0;
  int other = 0;
  trace::start(file.path().c_str());
  trace::born(&task, "echo", "/some/where/echo.cpp", 17);
  trace::born(&other, "fetch");
  {
    trace::Step step{&task};
    trace::waits(&task, "readable", 5, 20);
  }
  trace::woken(&task);
  {
    trace::Step step{&task};
    trace::waits(&task, "sleep", std::chrono::duration<double>{0.25});
  }
  trace::cancelled(&task);
  {
    trace::Step step{&task};
    trace::waits_for(&task, &other, 21);
  }
  {
    trace::Step step{&task};
    trace::done(&task, "cancelled");
  }
  trace::Step nobody{&task};
  trace::waits(&task, "future");
  trace::finish();
  CHECK(is_json(file));
  const auto text = file.read();
  CHECK(count(text, "{\"coroutine\":\"echo\",\"at\":\"echo.cpp:17\"}") == 1);
  CHECK(count(text, "\"name\":\"waits for readable fd 5\"") == 2);
  CHECK(count(text, "\"name\":\"waits for sleep 0.25 s\"") == 2);
  CHECK(count(text, "\"name\":\"waits for fetch #2\"") == 2);
  CHECK(count(text, "\"name\":\"running\"") == 8);
  CHECK(count(text, "\"name\":\"cancel\"") == 1);
  CHECK(count(text, "{\"end\":\"cancelled\"}") == 1);
  CHECK(count(text, "waits for future") == 0);
  // Steps in the loop's track, the birth and the end in the task's own.
  CHECK(count(text, "\"name\":\"echo #1\"") == 4 + 2);
  // finish() ended the other one, which was still there.
  CHECK(count(text, "{\"end\":\"unfinished\"}") == 1);
  CHECK(count(text, "\"ph\":\"b\"") == count(text, "\"ph\":\"e\""));
}

TEST_CASE("an address may be used again") {
  TemporaryFile file;
  int task = 0;
  trace::start(file.path().c_str());
  trace::born(&task, "first");
  trace::born(&task, "second");
  trace::done(&task);
  trace::finish();
  CHECK(is_json(file));
  CHECK(count(file.read(), "\"end\":\"lost\"") == 1);
  CHECK(count(file.read(), "\"name\":\"second #2\"") == 2);
}

TEST_CASE("text is escaped, infinity is no JSON number") {
  TemporaryFile file;
  trace::start(file.path().c_str());
  trace::instant("a \"quoted\"\\\n\x01 name", "key\t", "v\"");
  trace::instant("timer set", "when", 1e308 * 10);
  trace::instant("none", "text", static_cast<const char*>(nullptr));
  trace::finish();
  CHECK(is_json(file));
}

TEST_CASE("much is written as it comes") {
  TemporaryFile file;
  trace::start(file.path().c_str());
  for (int i = 0; i < 5000; ++i) {
    trace::Span span{"span", "number", i};
  }
  CHECK(file.read().size() > 100'000);
  CHECK(is_json(file));
  trace::finish();
  CHECK(is_json(file));
  CHECK(count(file.read(), "\"ph\":\"X\"") == 5000);
}

TEST_CASE("the file is whole after exit and loadable after a crash") {
  for (const bool crash : {false, true}) {
    TemporaryFile file;
    const pid_t child = fork();
    if (child == 0) {
      trace::start(file.path().c_str());
      trace::Round round;
      trace::Span span{"unfinished"};
      if (crash) {
        _exit(7);
      }
      std::exit(7);
    }
    int status = 0;
    waitpid(child, &status, 0);
    CHECK(is_json(file));
    CHECK(count(file.read(), "\"unfinished\"") == (crash ? 0 : 1));
    CHECK(count(file.read(), "\"round 1\"") == (crash ? 0 : 1));
  }
}

TEST_CASE("a child of fork leaves the file to its parent") {
  TemporaryFile file;
  trace::start(file.path().c_str());
  trace::instant("before");
  const pid_t child = fork();
  if (child == 0) {
    trace::instant("in the child");
    trace::finish();
    _exit(0);
  }
  waitpid(child, nullptr, 0);
  trace::finish();
  CHECK(is_json(file));
  CHECK(count(file.read(), "before") == 1);
  CHECK(count(file.read(), "child") == 0);
}

TEST_CASE("a file that cannot be written is an error") {
  CHECK_THROWS_WITH_AS(
      trace::start("/no/such/folder/trace.json"),
      "cannot write /no/such/folder/trace.json: No such file or directory",
      std::system_error
  );
  CHECK(!trace::on);
}
