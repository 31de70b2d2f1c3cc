#include "common/command_line.hpp"

#include <csignal>
#include <cstdio>
#include <exception>

#include "common/bench.hpp"
#include "common/net.hpp"

// common/command_line.cpp can do more, but needs CLI11: this runs PROGRAM, or
// what the first argument names.
struct CommandLine::Data {};

CommandLine::CommandLine(const char*) {}

CommandLine::~CommandLine() = default;

void CommandLine::tracing() {}

void CommandLine::option(
    const std::string&,
    const std::string&,
    std::vector<std::string>,
    std::function<void(const std::string&)>
) {}

static const Program* find(const std::string& name) {
  for (const auto kind : {Program::Kind::demo, Program::Kind::server}) {
    for (const auto* program : Program::all()) {
      if (program->kind == kind && program->name == name) {
        return program;
      }
    }
  }
  return nullptr;
}

static void run_program(const Program& program) {
  int listener = -1;
  Stopwatch stopwatch;
  if (program.kind == Program::Kind::server) {
    listener = listen_on("127.0.0.1", 30303);
    std::printf("listening on %s\n", address_of(listener).c_str());
    std::fflush(stdout);
  }
  program.run({listener, stopwatch});
}

int CommandLine::run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const std::string wanted = argc > 1 ? argv[1] : PROGRAM;
  const auto* program = find(wanted);
  if (program == nullptr) {
    std::fprintf(stderr, "there is no %s\n", wanted.c_str());
    return 2;
  }
  try {
    run_program(*program);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", wanted.c_str(), error.what());
    return 1;
  }
}
