#include "common/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bench.hpp"
#include "common/net.hpp"
#include "common/testing.hpp"
#include "common/trace.hpp"

namespace {

struct Result {
  int status;
  std::string out;
  std::string err;
};

struct NoException {};

// Not in the order of their names.
struct Demos {
  Demo<void()> strange{"strange", "throws", [] { throw NoException{}; }};
  Demo<void()> count{"count", "counts", [] { std::puts("1 2 3"); }};
  Demo<void()> fail{"fail", "throws", [] {
                      std::puts("before");
                      throw std::runtime_error{"went\nwrong"};
                    }};
};

[[noreturn]] void child_main(
    CommandLine& line,
    std::vector<std::string> arguments
) {
  arguments.insert(arguments.begin(), "stage");
  std::vector<char*> argv;
  for (auto& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  const int status = line.run(static_cast<int>(argv.size()) - 1, argv.data());
  std::fflush(stdout);
  _exit(status);
}

void redirect(const TemporaryFile& file, int fd) {
  const int to = open(file.path().c_str(), O_WRONLY | O_TRUNC);
  dup2(to, fd);
  close(to);
}

// Runs it in a child, so that stdout, limits and signals are its own.
Result run(CommandLine& line, const std::vector<std::string>& arguments) {
  TemporaryFile out;
  TemporaryFile err;
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    redirect(out, 1);
    redirect(err, 2);
    child_main(line, arguments);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return {
      WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status),
      out.read(),
      err.read(),
  };
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != text.npos;
}

int twice(int number) { return 2 * number; }
int thrice(int number) { return 3 * number; }

}  // namespace

TEST_CASE("a program is in the table as long as it exists") {
  CHECK(Program::all().empty());
  {
    const Demo<void()> demo{"a demo", "what it shows", [] {}};
    REQUIRE(Program::all().size() == 1);
    const auto* found = Program::all().front();
    CHECK(found == &demo);
    CHECK(found->kind == Program::Kind::demo);
    CHECK(std::string{found->name} == "a demo");
    CHECK(std::string{found->help} == "what it shows");
  }
  CHECK(Program::all().empty());
}

TEST_CASE("help names the stage and only what exists") {
  Demos demos;
  CommandLine line{"03_coroutines"};
  for (const auto& arguments :
       {std::vector<std::string>{"--help"}, std::vector<std::string>{}}) {
    const auto [status, out, err] = run(line, arguments);
    CHECK(status == 0);
    CHECK(contains(out, "03_coroutines"));
    CHECK(contains(out, "demo"));
    CHECK(!contains(out, "serve"));
    CHECK(!contains(out, "bench"));
    CHECK(!contains(out, "--trace"));
    CHECK(err == "");
  }
}

TEST_CASE("a subcommand that is not there is a usage error") {
  Demos demos;
  CommandLine line;
  CHECK(run(line, {"serve"}).status > 1);
  CHECK(run(line, {"demo", "count", "more"}).status > 1);
}

TEST_CASE("demos are listed and run") {
  Demos demos;
  CommandLine line;
  CHECK(
      run(line, {"demo"}).out ==
      "count    counts\nfail     throws\nstrange  throws\n"
  );
  const auto [status, out, err] = run(line, {"demo", "count"});
  CHECK(status == 0);
  CHECK(out == "1 2 3\n");
  CHECK(err == "");
}

TEST_CASE("an unknown name is a usage error that says which exist") {
  Demos demos;
  CommandLine line;
  const auto [status, out, err] = run(line, {"demo", "cuont"});
  CHECK(status > 1);
  CHECK(out == "");
  CHECK(contains(
      err, "there is no demo cuont; there are: count, fail, strange"
  ));
}

TEST_CASE("what escapes a program is one line on stderr") {
  Demos demos;
  CommandLine line;
  const auto [status, out, err] = run(line, {"demo", "fail"});
  CHECK(status == 1);
  CHECK(out == "before\n");
  CHECK(err == "fail: went wrong\n");
  const auto strange = run(line, {"demo", "strange"});
  CHECK(strange.status == 1);
  CHECK(contains(strange.err, "strange: an exception of type "));
  CHECK(contains(strange.err, "NoException\n"));
}

TEST_CASE("main() says how programs of a signature are run") {
  Demos demos;
  const Demo<int(int)> one{"one", "", twice};
  const Demo<int(int)> other{"other", "", thrice};
  const Service<int(int)> server{"server", "", thrice};
  CommandLine line;
  const auto unsaid = run(line, {"demo", "one"});
  CHECK(unsaid.status == 1);
  CHECK(unsaid.err == "one: main() does not say how to run it\n");
  CHECK(run(line, {"serve", "--port", "0"}).status == 1);

  Demo<int(int)>::run_with = [](auto demo) { std::printf("%d\n", demo(5)); };
  Service<int(int)>::run_with = [](auto, int listener) {
    std::printf("port %d\n", port_of(listener));
  };
  CHECK(run(line, {"demo", "one"}).out == "10\n");
  CHECK(run(line, {"demo", "other"}).out == "15\n");
  CHECK(run(line, {"demo", "count"}).out == "1 2 3\n");
  CHECK(contains(run(line, {"serve", "--port", "0"}).out, "\nport "));
}

TEST_CASE("serve listens and says where") {
  const auto serve = [](int listener) {
    const int flags = fcntl(listener, F_GETFL);
    std::printf("%s\n", (flags & O_NONBLOCK) != 0 ? "free" : "blocking");
  };
  const auto add = [](int) { std::puts("plus42"); };
  const Service<void(int)> plus42{"plus42", "adds 42", add};
  const Service<void(int)> first{"absent", "", add};
  const Service<void(int)> echo{"echo", "says it again", serve};
  CommandLine line;
  const auto by_default = run(line, {"serve", "--port", "0"});
  CHECK(by_default.status == 0);
  CHECK(by_default.out.rfind("listening on 127.0.0.1:", 0) == 0);
  CHECK(contains(by_default.out, "\nfree\n"));
  CHECK(contains(run(line, {"serve", "plus42", "--port=0"}).out, "\nplus42"));
  CHECK(contains(run(line, {"serve", "--help"}).out, "30303"));
  CHECK(run(line, {"serve", "--port", "65536"}).status > 1);
  CHECK(run(line, {"serve", "--blocking"}).status > 1);

  const BlockingService one_at_a_time{"echo", "one at a time", serve};
  CommandLine both;
  const auto blocking = run(both, {"serve", "--blocking", "--port", "0"});
  CHECK(contains(blocking.out, "\nblocking\n"));
  CHECK(contains(run(both, {"serve", "--port", "0"}).out, "\nfree\n"));
  const auto none = run(both, {"serve", "plus42", "--blocking"});
  CHECK(none.status == 1);
  CHECK(none.err == "there is no blocking server plus42; there are: echo\n");
}

TEST_CASE("a port that is taken") {
  const Service<void(int)> echo{"echo", "", [](int) {}};
  CommandLine line;
  const int listener = listen_on("127.0.0.1", 0);
  const auto port = std::to_string(port_of(listener));
  const auto [status, out, err] = run(line, {"serve", "--port", port});
  CHECK(status == 1);
  CHECK(out == "");
  CHECK(
      err == "cannot listen on 127.0.0.1:" + port +
                 ": Address already in use\n"
  );
  close(listener);
}

TEST_CASE("a signal before the server handles any ends it with 0") {
  const Service<void(int)> echo{"echo", "", [](int) {
                                 std::raise(SIGTERM);
                                 std::puts("not reached");
                               }};
  CommandLine line;
  const auto result = run(line, {"serve", "--port", "0"});
  CHECK(result.status == 0);
  CHECK(!contains(result.out, "not reached"));
}

TEST_CASE("bench hands over its numbers") {
  const Bench bench{"switch", "tasks that yield", [](Stopwatch& watch) {
                      watch.start();
                      watch.stop(watch.n * watch.tasks);
                    }};
  CommandLine line;
  CHECK(run(line, {"bench"}).out == "switch  tasks that yield\n");
  const auto result =
      run(line, {"bench", "switch", "--n", "30", "--tasks", "7"});
  CHECK(result.status == 0);
  CHECK(result.out.rfind("ns=", 0) == 0);
  CHECK(contains(result.out, " bytes=0.0 n=210\n"));
  CHECK(run(line, {"bench", "switch", "--n", "0"}).status > 1);
  const BenchTable table{"table", "", [] { std::puts("the table"); }};
  CommandLine with_table;
  CHECK(run(with_table, {"bench"}).out == "the table\n");
}

TEST_CASE("options of the whole binary come before or after") {
  static std::string selector = "none";
  const Demo<void()> show{"show", "", [] { std::puts(selector.c_str()); }};
  CommandLine line;
  line.option("--selector", "which", {"select", "poll"}, [](const auto& name) {
    selector = name;
  });
  CHECK(run(line, {"demo", "show"}).out == "none\n");
  CHECK(run(line, {"--selector", "poll", "demo", "show"}).out == "poll\n");
  CHECK(run(line, {"demo", "show", "--selector", "poll"}).out == "poll\n");
  CHECK(run(line, {"demo", "show", "--selector", "epol"}).status > 1);
}

TEST_CASE("--trace writes a file, also when the program fails") {
  Demos demos;
  const Demo<void()> spanning{"span", "", [] { trace::Span span{"the span"}; }};
  CommandLine line;
  line.tracing();
  TemporaryFile file;
  CHECK(run(line, {"demo", "span", "--trace", file.path()}).status == 0);
  CHECK(contains(file.read(), "the span"));
  CHECK(run(line, {"--trace", file.path(), "demo", "fail"}).status == 1);
  CHECK(!contains(file.read(), "the span"));
  CHECK(contains(file.read(), "]}"));
  const auto failed = run(line, {"demo", "span", "--trace", "/no/file"});
  CHECK(failed.status == 1);
  CHECK(failed.err == "cannot write /no/file: No such file or directory\n");
}
