#include "common/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <utility>

#include "common/net.hpp"
#include "common/programs.hpp"

// common/command_line.cpp can do more, but needs CLI11: this runs PROGRAM, or
// what the first argument names.
struct CommandLine::Data {
  std::vector<std::pair<std::string, std::function<void()>>> programs;
};

CommandLine::CommandLine(const char*) : data_{new Data} {
  for (const auto& entry : Demo<void()>::all()) {
    demo(entry.name, entry.help, entry.run);
  }
}

CommandLine::~CommandLine() = default;

void CommandLine::demo(
    const std::string& name,
    const std::string&,
    std::function<void()> run
) {
  data_->programs.emplace_back(name, std::move(run));
}

void CommandLine::server(
    const std::string& name,
    const std::string&,
    std::function<void(int listener)> run
) {
  data_->programs.emplace_back(name, [run] {
    const int listener = listen_on("127.0.0.1", 30303);
    std::printf("listening on %s\n", address_of(listener).c_str());
    std::fflush(stdout);
    run(listener);
  });
}

void CommandLine::blocking_server(
    const std::string&,
    const std::string&,
    std::function<void(int listener)>
) {}

void CommandLine::bench(
    const std::string&,
    const std::string&,
    std::function<void(Stopwatch&)>
) {}

void CommandLine::bench_table(std::function<void()>) {}

void CommandLine::tracing() {}

void CommandLine::option(
    const std::string&,
    const std::string&,
    std::vector<std::string>,
    std::function<void(const std::string&)>
) {}

int CommandLine::run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string wanted = argc > 1 ? argv[1] : PROGRAM;
  for (const auto& [name, run] : data_->programs) {
    if (name == wanted) {
      try {
        run();
        return 0;
      } catch (const std::exception& error) {
        std::fprintf(stderr, "%s: %s\n", name.c_str(), error.what());
        return 1;
      }
    }
  }
  std::fprintf(stderr, "there is no %s\n", wanted.c_str());
  return 2;
}
